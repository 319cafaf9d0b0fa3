"""The explorer without a browser: traits, messages, views on disk, and what it says about itself."""

import json
import subprocess
import sys

import numpy as np
import pytest
import traitlets

from tests.support.archives import make_inspection, save_archive
from workbench.errors import WorkbenchError
from workbench.widgets import AttentionExplorer


@pytest.fixture
def explorer():
    return AttentionExplorer(make_inspection(12), image=2, label="tree")


def sent(explorer, question):
    """What the explorer sends for a message of the browser."""
    answers = []
    explorer.send = lambda content, buffers=None: answers.append((content, buffers))
    explorer._handle_custom_msg(question, [])
    return answers


def test_it_says_what_it_shows(explorer):
    predicted = int((explorer.matched.first.inspection.probabilities()[2] >= 0.5).sum())
    text = f'AttentionExplorer of srn: image 3 of 12 (scene-0002), {predicted} predicted labels, Attention A of "tree"'
    assert repr(explorer) == text


def test_image_and_label_follow_the_view_and_lead_it(explorer):
    assert (explorer.image, explorer.label) == ("scene-0002", "tree")
    explorer.label = "sun"
    assert explorer.view_state["label"] == "sun"
    explorer.show(image=5, overlay="contour")
    assert (explorer.image, explorer.view_state["overlay"], explorer.view_state["label"]) == ("scene-0005", "contour", "sun")


def test_a_wrong_name_changes_nothing(explorer):
    with pytest.raises(WorkbenchError, match="Did you mean"):
        explorer.label = "tre"
    assert explorer.label == explorer.view_state["label"] == "tree"
    with pytest.raises(WorkbenchError):
        explorer.show(overlay="glow")
    assert explorer.view_state["overlay"] == "heat"


def test_changes_of_the_browser_reach_observers(explorer):
    seen = []
    explorer.observe(lambda change: seen.append(change["new"]), "label")
    explorer.set_state({"view_state": {**explorer.view_state, "label": "roof"}})
    assert seen == ["roof"]


def test_what_an_observer_raises_is_shown(explorer):
    def fails(change):
        raise ValueError("no such thing")

    explorer.observe(fails, "label")
    with pytest.raises(ValueError, match="no such thing"):
        explorer.set_state({"view_state": {**explorer.view_state, "label": "roof"}})
    assert explorer.status == "ValueError: no such thing"


def test_it_answers_for_images_and_thumbnails(explorer):
    [(content, buffers)] = sent(explorer, {"ask": "image", "image": 7})
    assert content["answer"] == "image"
    assert content["packet"]["image"] == 7
    assert "data" not in content["packet"]
    assert explorer.matched.first.image_bytes(7) in buffers[0]
    [(content, buffers)] = sent(explorer, {"ask": "thumbnails", "images": [1, 2]})
    assert [entry[0] for entry in content["packet"]["layout"]] == ["1", "2"]


@pytest.mark.parametrize("question", [{"ask": "image", "image": 99}, {"ask": "weather"}, {}, {"ask": "thumbnails", "images": [-40]}])
def test_a_question_that_cannot_be_answered_is_told(explorer, question):
    [(content, _)] = sent(explorer, question)
    assert content["answer"] == "error"
    assert content["text"]


def test_views_are_saved_and_loaded(explorer, tmp_path):
    explorer.show(overlay="map", alpha=0.4, spot=[0.25, 0.75], filter_label="sun", filter_state="FN")
    path = explorer.save_view(tmp_path / "view.json")
    other = AttentionExplorer(make_inspection(12))
    other.load_view(path)
    assert other.view_state == explorer.view_state
    assert json.loads(json.dumps(other.view_state)) == other.view_state
    (tmp_path / "broken.json").write_text("[1, 2")
    with pytest.raises(WorkbenchError, match=r"broken\.json cannot be read as a saved view"):
        other.load_view(tmp_path / "broken.json")
    (tmp_path / "list.json").write_text("[1, 2]")
    with pytest.raises(WorkbenchError, match="not a saved view"):
        other.load_view(tmp_path / "list.json")


def test_a_view_of_other_images_is_refused(explorer, tmp_path):
    path = explorer.save_view(tmp_path / "view.json")
    with pytest.raises(WorkbenchError, match='no image "scene-0002"'):
        AttentionExplorer(make_inspection(2)).load_view(path)


def test_it_opens_from_a_file_and_sends_the_first_image_at_once(tmp_path):
    path = save_archive(tmp_path / "a.safetensors", 30, top=2)
    explorer = AttentionExplorer(path, image="scene-0020")
    assert explorer.opening["image"]["image"] == 20
    assert "20" in [entry[0] for entry in explorer.opening["thumbnails"]["layout"]]
    assert isinstance(explorer, traitlets.HasTraits)


def test_only_what_is_asked_for_is_read(tmp_path, monkeypatch):
    """Maps of other images are not touched when an explorer opens."""
    from workbench.inspection import Inspection

    read = []
    maps = Inspection.maps
    monkeypatch.setattr(Inspection, "maps", lambda self, kind, image: read.append(image) or maps(self, kind, image))
    AttentionExplorer(save_archive(tmp_path / "a.safetensors", 30), image=4)
    assert set(read) == {4}


def test_importing_widgets_does_not_import_torch_or_jupyter():
    code = "import sys, workbench.widgets; print([name for name in ('torch', 'ipywidgets', 'plotly') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    code = "import sys; from workbench.widgets import AttentionExplorer, live_curves; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_the_disagreement_of_four_models_opens():
    models = {f"model {place}": make_inspection(8, model_seed=place) for place in range(4)}
    explorer = AttentionExplorer(models)
    assert "model 0 and model 1 and model 2 and model 3" in repr(explorer)
    assert np.isclose(explorer.view_state["alpha"], 0.8)
