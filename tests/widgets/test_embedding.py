"""The embedding explorer without a browser: traits, selections, messages, the link to the attention explorer, still picture and export."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from tests.support.archives import HOSTILE_NAME, make_inspection
from tests.support.embedded import make_embedded
from workbench.errors import WorkbenchError
from workbench.widgets import AttentionExplorer, EmbeddingExplorer, assets, link_explorers
from workbench.widgets.points_still import ACCENT, plots_png


@pytest.fixture
def explorer():
    return EmbeddingExplorer(make_embedded(30, 6), category="roof")


def places(*values):
    return np.array(values, dtype=np.int32).tobytes()


def test_it_says_what_it_shows(explorer):
    count = len(explorer.points)
    assert repr(explorer) == (
        f'EmbeddingExplorer of srn: {count} points of 6 categories, none selected, PCA at joint 4, coloured by category of "roof"'
    )
    explorer.selected = [explorer.points.pair(3)]
    assert "1 selected" in repr(explorer)


def test_a_selection_of_the_browser_reaches_observers_as_pairs(explorer):
    seen = []
    explorer.observe(lambda change: seen.append(change["new"]), "selected")
    explorer.set_state({"picked": memoryview(places(4, 2))})
    assert seen == [[explorer.points.pair(2), explorer.points.pair(4)]]
    explorer.selected = []
    assert explorer.picked == b""


def test_pairs_select_points_and_wrong_ones_change_nothing(explorer):
    pairs = [explorer.points.pair(5), list(explorer.points.pair(1)), explorer.points.pair(5)]
    explorer.selected = pairs
    assert explorer.picked == places(1, 5)
    assert explorer.selected == [explorer.points.pair(1), explorer.points.pair(5)]
    for wrong, sentence in (([("scene-0000", "nobody")], "no category"), (["sun"], "is none: write"), ([("nowhere", "sun")], "no image")):
        with pytest.raises(WorkbenchError, match=sentence):
            explorer.selected = wrong
    with pytest.raises(WorkbenchError, match="not among"):
        explorer.picked = places(len(explorer.points))
    assert explorer.picked == places(1, 5)


def test_what_an_observer_raises_is_shown(explorer):
    def fails(change):
        raise ValueError("no such thing")

    explorer.observe(fails, "selected")
    with pytest.raises(ValueError, match="no such thing"):
        explorer.set_state({"picked": memoryview(places(3))})
    assert explorer.status == "ValueError: no such thing"


def test_the_attention_explorer_follows_the_chosen_point():
    inspection = make_embedded(30, 6)
    embedding, attention = EmbeddingExplorer(inspection), AttentionExplorer(inspection)
    unlink = link_explorers(embedding, attention)
    image, label = embedding.points.pair(11)
    embedding.set_state({"view_state": {**embedding.view_state, "image": image, "label": label}})
    assert (embedding.image, embedding.label) == (image, label)
    assert (attention.image, attention.label) == (image, label)
    unlink()
    embedding.show(image=embedding.points.pair(0)[0], label=embedding.points.pair(0)[1])
    assert attention.image == image


def test_an_attention_explorer_of_other_images_says_so():
    embedding = EmbeddingExplorer(make_embedded(30, 6))
    link_explorers(embedding, AttentionExplorer(make_inspection(2, 6)))
    image, label = embedding.points.pair(len(embedding.points) - 1)
    embedding.set_state({"view_state": {**embedding.view_state, "image": image, "label": label}})
    assert embedding.status.startswith("WorkbenchError: ")
    assert image in embedding.status


def test_views_are_saved_and_loaded_with_the_selection(explorer, tmp_path):
    explorer.show(colour="number", number="own", projection="tsne", zoom=[0.2, 0.3, 4], selected=[explorer.points.pair(7)])
    path = explorer.save_view(tmp_path / "view.json")
    other = EmbeddingExplorer(make_embedded(30, 6))
    other.load_view(path)
    assert other.view_state == explorer.view_state
    assert other.selected == [explorer.points.pair(7)]
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(WorkbenchError, match="not a saved view"):
        other.load_view(tmp_path / "list.json")


def test_it_answers_for_projections_and_thumbnails(explorer):
    def sent(question):
        answers = []
        explorer.send = lambda content, buffers=None: answers.append((content, buffers))
        explorer._handle_custom_msg(question, [])
        return answers[0]

    content, buffers = sent({"ask": "points", "projection": "tsne"})
    assert content["packet"]["projection"] == "tsne"
    assert len(buffers[0]) >= 4 * len(explorer.points) * 4
    content, _ = sent({"ask": "thumbnails", "images": [3, 5]})
    assert [entry[0] for entry in content["packet"]["layout"]] == ["3", "5"]
    for question in ({"ask": "points", "projection": "umap"}, {"ask": "weather"}, {"ask": "thumbnails", "images": [99]}):
        assert sent(question)[0]["answer"] == "error"


@pytest.mark.parametrize(
    "view", [{"colour": "category"}, {"colour": "state"}, {"colour": "number", "number": "by category: intra"}, {"zoom": [0.5, 0.5, 3]}]
)
@pytest.mark.parametrize("models", [1, 2])
def test_the_still_picture_has_only_what_jupyterlab_keeps(view, models):
    sources = [make_embedded(20, 5, hostile=True, model_seed=seed) for seed in range(models)]
    explorer = EmbeddingExplorer(sources, category=HOSTILE_NAME, **view)
    explorer.selected = [explorer.points.pair(1)]
    text = explorer.snapshot().data
    kept = {"figure", "img", "figcaption", "em", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert set(re.findall(r"<(\w+)", text)) <= kept
    assert text.count("<img") == 1
    assert len(text) < 300_000
    assert "1 points are selected" in repr(explorer.snapshot())


def test_the_still_picture_shows_the_points_of_the_category_and_the_numbers():
    explorer = EmbeddingExplorer(make_embedded(40, 4), category="tree")
    picture = np.asarray(Image.open(io.BytesIO(plots_png(explorer.points, explorer.view_state, np.zeros(0, int)))).convert("RGB")).astype(
        int
    )
    accent = np.array([int(ACCENT[i : i + 2], 16) for i in (1, 3, 5)])
    assert (np.abs(picture - accent).max(axis=2) < 40).sum() > 100
    own = explorer.points.models[0].centres.own
    rows = explorer.points.pairs[:, 1] == explorer.points.matched.categories.index("tree")
    text = explorer.snapshot().data
    assert f"<td>{own.mean():.3f}</td>" in text
    assert f"<td>{own[rows].mean():.3f}</td>" in text


def content(path):
    return json.loads(re.search(r'<script type="application/json" id="content">(.*?)</script>', path.read_text(), re.DOTALL).group(1))


def test_everything_is_in_the_exported_page(tmp_path):
    explorer = EmbeddingExplorer(make_embedded(15, 5, hostile=True), selected=[])
    explorer.selected = [explorer.points.pair(2)]
    page = explorer.export_html(tmp_path / "page.html")
    data = content(page)
    assert [packet["projection"] for packet in data["points"]] == ["pca", "tsne"]
    assert base64.b64decode(data["picked"]) == explorer.picked
    assert data["view"] == explorer.view_state
    assert len(data["thumbnails"]) == len(set(explorer.points.pairs[:, 0].tolist()))
    assert HOSTILE_NAME not in page.read_text()
    assert assets.module_text("embedding") in page.read_text()


def test_pictures_beyond_the_cap_are_left_out_and_said(tmp_path):
    explorer = EmbeddingExplorer(make_embedded(120, 5))
    whole = explorer.export_html(tmp_path / "whole.html")
    cap = (whole.stat().st_size - 50_000) / 1e6
    page = explorer.export_html(tmp_path / "page.html", cap_mb=cap)
    data = content(page)
    assert page.stat().st_size <= cap * 1e6
    assert 0 < len(data["thumbnails"]) < 120
    assert f"holds {len(data['thumbnails'])} of" in page.read_text()
    assert str(explorer.points.matched.position(explorer.image)) in data["thumbnails"]
    with pytest.raises(WorkbenchError, match=r"points take .* MB, more than 0\.01 MB"):
        explorer.export_html(tmp_path / "other.html", cap_mb=0.01)
    assert not (tmp_path / "other.html").exists()
