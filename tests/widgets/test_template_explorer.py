"""The template explorer without a browser: pairs, neurons, images and words against loops and against the tracing itself."""

import io
import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.traced import NAMES, make_fired, make_templates
from workbench.analysis import templates as tracing
from workbench.errors import WorkbenchError
from workbench.models import create_model
from workbench.widgets import TemplateExplorer
from workbench.widgets.traces import slant_of, strengths
from workbench.widgets.traces_still import direction_words


@pytest.fixture
def explorer():
    return TemplateExplorer(make_templates(), *make_fired())


def test_it_opens_on_the_pair_that_is_connected_most(explorer):
    view = explorer.view_state
    assert (view["other"], view["label"], explorer.neuron) == ("house", "sun", 3)
    assert explorer.images() == [7, 2, 9], "silent images are left out"
    words = explorer.snapshot().words
    assert "neuron 3 of 12 reads “house” with weight +1.500 and fires more the lower it is; that raises “sun” (+0.800)" in words
    assert "a candidate" in words
    assert words in repr(explorer)


def test_strengths_are_those_of_the_tracing():
    torch.manual_seed(0)
    model = create_model("srn", ["a", "b", "c"], backbone="small-narrow", image_size=32).eval()
    found = tracing.trace(model)
    np.testing.assert_allclose(strengths(found).sum(0), found.strengths(), rtol=1e-5)
    explorer = TemplateExplorer(found, label="a", other="b")
    assert explorer.neurons[:5] == found.neurons_between("b", "a", 5)
    np.testing.assert_allclose([slant_of(each) for each in found.template[:9]], found.slant()[:9], atol=1e-6)
    pixels = np.random.default_rng(0).integers(0, 255, (10, 32, 32, 3), dtype=np.uint8)
    fired = tracing.activations(model, pixels)
    shown = TemplateExplorer(found, fired, pixels, [f"image {n}" for n in range(10)])
    for neuron in range(0, 60, 7):
        assert shown.images(neuron) == tracing.top_images(fired, neuron)


def test_directions_in_words():
    down, right = np.mgrid[:4, :4]
    assert direction_words(down, 1) == "fires more the lower it is"
    assert direction_words(down, -1) == "fires more the higher it is"
    assert direction_words(right * 2 + down, 0.1) == "fires more the further right it is"
    assert direction_words(right, -2) == "fires more the further left it is"
    assert direction_words((down - 1.5) ** 2, 1) == "has no clear direction"
    assert direction_words(np.ones((3, 3)), 1) == "has no clear direction"


def test_another_pair_begins_with_its_strongest_neuron(explorer):
    explorer.show(neuron=5)
    assert explorer.neuron == 5
    explorer.show(label="cat")
    assert explorer.view_state["neuron"] is None
    by_hand = [
        abs(float(explorer.templates.outflow[k, 3] * explorer.templates.inflow[k, 0]))
        * float(np.linalg.norm(explorer.templates.template[k]))
        for k in range(12)
    ]
    assert explorer.neurons == sorted(range(12), key=lambda k: -by_hand[k])[:8]


def test_what_cannot_be_is_refused(explorer):
    for changes, told in (
        ({"neuron": 12}, "0 to 11"),
        ({"sort": "size"}, "stored, name"),
        ({"values": "size"}, "strength, share"),
        ({"label": "zebra"}, "zebra"),
        ({"image": "zebra"}, "no image"),
        ({"neurone": 1}, "neuron"),
    ):
        with pytest.raises(WorkbenchError, match=told):
            explorer.show(**changes)
    fired, pictures = make_fired()
    with pytest.raises(WorkbenchError, match="both"):
        TemplateExplorer(make_templates(), fired)
    with pytest.raises(WorkbenchError, match=r"\[29, 12\] for 30 pictures"):
        TemplateExplorer(make_templates(), fired[:29], pictures)


def test_without_images_it_shows_the_weights():
    explorer = TemplateExplorer(make_templates())
    assert explorer.images() == []
    assert "<table>" in explorer.snapshot().data


def test_the_browser_gets_weights_and_the_pictures_it_asks_for(explorer):
    sent = []
    explorer.send = lambda content, buffers=None: sent.append((content, buffers))
    explorer._handle_custom_msg({"ask": "thumbnails", "images": [4, 11]}, [])
    [(content, [data])] = sent
    assert [name for name, *_ in content["packet"]["layout"]] == ["4", "11"]
    _, _, shape, offset = content["packet"]["layout"][1]
    picture = np.asarray(Image.open(io.BytesIO(data[offset : offset + shape[0]])))
    assert abs(picture.mean() - make_fired()[1][11].mean()) < 3
    tables = explorer.tables()
    layout = {name: (shape, offset) for name, _, shape, offset in tables["layout"]}
    pairs = np.frombuffer(tables["data"], np.float32, 16, layout["pairs"][1]).reshape(4, 4)
    np.testing.assert_allclose(pairs, strengths(explorer.templates).sum(0), rtol=1e-5)


def test_still_picture_and_page(explorer, tmp_path):
    shot = explorer.snapshot().data
    first = re.findall(r"<tr><th>(\d+)</th><td>(.*?)</td><td>(.*?)</td>", shot)[0]
    assert first[0] == "3"
    assert first[1].startswith("house +1.500")
    assert first[2].startswith("sun +0.800")
    page = explorer.export_html(tmp_path / "traces.html").read_text()
    content = json.loads(re.search(r'id="content">(.*?)</script>', page, re.DOTALL).group(1))
    assert content["description"]["categories"] == list(NAMES)
    assert {"7", "2", "9"} <= set(content["thumbnails"])
    cut = explorer.export_html(tmp_path / "cut.html", cap_mb=len(page) / 1e6 - 0.01).read_text()
    assert "The page was cut at" in cut
    with pytest.raises(WorkbenchError, match="raise cap_mb"):
        explorer.export_html(tmp_path / "none.html", cap_mb=0.01)
