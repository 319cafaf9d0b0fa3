"""The still picture that stays when the kernel is gone."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from tests.support.archives import HOSTILE_NAME, make_contents, make_inspection
from workbench.inspection import Inspection, MapKind
from workbench.metrics.pointing import SIZES, localisation, of_best
from workbench.widgets import AttentionExplorer
from workbench.widgets.picture import overlay, panes_png
from workbench.widgets.snapshot import snapshot_html
from workbench.widgets.style import STYLE, levels, ramp, value_range

KEPT = {"figure", "img", "figcaption", "details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "em", "p"}


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def tags(text):
    parser = Tags()
    parser.feed(text)
    return parser.seen


def test_it_holds_only_what_jupyterlab_keeps_in_untrusted_notebooks():
    explorer = AttentionExplorer(make_inspection(8, hostile=True), label=HOSTILE_NAME)
    text = explorer.snapshot().data
    assert {tag for tag, _ in tags(text)} <= KEPT
    images = [attributes for tag, attributes in tags(text) if tag == "img"]
    assert len(images) == 1, "the hostile name became an element"
    assert HOSTILE_NAME in images[0]["alt"]
    assert all(not name.startswith("on") for _, attributes in tags(text) for name in attributes)
    assert images[0]["src"].startswith("data:image/png;base64,")


def test_its_numbers_are_those_of_the_archive():
    inspection = make_inspection(8)
    explorer = AttentionExplorer(inspection, image=3, label="roof")
    text = explorer.snapshot().data
    steps = [inspection.probabilities(name)[3, inspection.categories.index("roof")] for name in ("cls", "sr", "final")]
    assert " → ".join(f"{p:.2f}" for p in steps) in text
    assert f"{inspection.measurements['pointing']['attention']['per_label']['roof']:.2g}" in text
    assert "not measured" in snapshot_html(AttentionExplorer(make_inspection(4, measured=False)).matched, explorer.view_state)


def test_the_best_map_at_the_grid_stands_beside_the_active_one():
    contents = make_contents(8)
    contents.measurements = localisation(Inspection.of(contents))
    own, best = (contents.measurements["pointing"][row] for row in ("attention", "best map at 7 x 7"))
    text = AttentionExplorer(Inspection.of(contents), map="attention", label="roof").snapshot().data
    assert "Attention A of the best map at 7 x 7" in text
    pairs = [tuple(entry["per_label"]["roof"] for entry in (own, best)), (own["overall"], best["overall"])]
    pairs += [tuple(entry["by_size"][size]["overall"] for entry in (own, best)) for size in SIZES]
    cells = "".join(f"<td>{of_best(*pair)}</td>" for pair in pairs)
    assert f"<td>{STYLE['measures']['pointing']['title']}</td>{cells}" in text
    assert "Attention A of the best map at 7 x 7" in AttentionExplorer(make_inspection(8), map="attention").snapshot().data
    assert "best map" not in AttentionExplorer(make_inspection(8, regions=False)).snapshot().data


def test_a_map_that_survives_random_weights_is_called_insensitive():
    contents = make_contents(4)
    contents.measurements["sanity"]["attention"] = {"verdict": "insensitive", "rank_correlation": 0.9, "baseline": 0.3}
    text = AttentionExplorer(Inspection.of(contents)).snapshot().data
    rows = re.findall(r"<tr><td>Randomised weights</td><td>(.*?)</td><td>–</td><td>(.*?)</td></tr>", text)
    assert dict(rows)["Attention A"] == "insensitive"
    assert [verdict for _, verdict in rows].count("insensitive") == 1


@pytest.mark.parametrize(
    "view", [{"overlay": "heat"}, {"overlay": "contour"}, {"overlay": "map", "grid": True}, {"scale": "labels"}, {"scale": "map"}]
)
@pytest.mark.parametrize("models", [1, 3])
def test_every_view_can_be_drawn_small(view, models):
    sources = [make_inspection(6, system=system, model_seed=seed, top=1) for seed, system in enumerate(["srn", "pooled", "srn"])]
    text = AttentionExplorer(sources[:models], **view).snapshot().data
    picture = Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", text).group(1))))
    assert picture.width > 400
    assert len(text) < 400_000


@pytest.mark.parametrize("scale", ["magnitude", "signed", "unit"])
def test_the_map_alone_has_the_colours_of_the_style(scale):
    kind = MapKind("m", "M", "", scale)
    values = np.random.default_rng(0).uniform(-1 if scale == "signed" else 0, 1, (4, 5)).astype(np.float32)
    ends = value_range(kind, float(np.abs(values).max()))
    photo = Image.new("RGB", (50, 40))
    drawn = np.asarray(overlay(photo, values, kind, ends, {"overlay": "map", "grid": True, "palette": "cividis"}))
    expected = ramp(STYLE["signed_palette"] if scale == "signed" else "cividis")[levels(values, *ends)]
    np.testing.assert_array_equal(drawn[5::10, 5::10], expected)


def test_an_overlay_without_strength_leaves_the_grey_picture():
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 20, 3), dtype=np.uint8))
    view = {"overlay": "heat", "grid": False, "palette": "viridis", "alpha": 0.0}
    drawn = overlay(photo, np.ones((3, 3), dtype=np.float32), MapKind("m", "M", ""), (0, 1), view)
    np.testing.assert_array_equal(np.asarray(drawn), np.asarray(photo.convert("L").convert("RGB")))


def test_scales():
    assert value_range(MapKind("m", "", "", "unit"), 0.3) == (0, 1)
    assert value_range(MapKind("m", "", "", "unit", sums_to="one"), 0.3) == (0, 0.3)
    assert value_range(MapKind("m", "", "", "signed"), 0.3) == (-0.3, 0.3)
    assert value_range(MapKind("m", "", "", "magnitude"), 0.0) == (0, 1)
    assert ramp("viridis")[0].tolist() == [0x44, 0x01, 0x54]
    assert ramp("blue-red")[127].tolist() == pytest.approx([247, 247, 247], abs=2)


def test_the_still_picture_shows_objects_and_spot_where_the_view_does():
    inspection = make_inspection(6)
    image = int(np.flatnonzero(inspection.targets[:, 0] == 1)[0])
    pictures = []
    for view in ({"spot": None}, {"regions": True, "spot": None}, {"spot": [0.1, 0.9]}):
        matched = AttentionExplorer(inspection, image=image, label="sun", **view)
        pictures.append(np.asarray(Image.open(io.BytesIO(panes_png(matched.matched, matched.view_state))).convert("RGB")))
    plain, outlined, spotted = pictures
    height, width = inspection.sizes[image]
    column = int(0.1 * 7) + 0.5
    side = 232 * width / max(height, width)
    assert (plain[:, : int(side)] != outlined[:, : int(side)]).any(), "the outline is on the photo"
    changed = np.argwhere((plain != spotted).any(axis=2))
    at = np.array([232 * height / max(height, width) * (int(0.9 * 7) + 0.5) / 7, side * column / 7])
    first_map = changed[(changed[:, 1] > side) & (changed[:, 1] < 2 * side + 12)]
    np.testing.assert_allclose(first_map.mean(axis=0) - [0, round(side) + 12], at, atol=3)
