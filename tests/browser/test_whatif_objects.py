"""Objects of a scene in the what-if panel: moved and deleted, by mouse and by keyboard, and named anew."""

import numpy as np
import pytest
from PIL import Image

from tests.support.archives import make_inspection
from tests.support.bench import drag, edits_of, expected_rows, photo_at, rows, settle
from tests.support.plain_page import open_explorer
from tests.support.strips import Strips
from workbench.widgets import AttentionExplorer

pytestmark = pytest.mark.browser


class Square:
    """The stored picture with a white square that can be moved; to the right of the middle it is a ball, else a sun."""

    def __init__(self, pixels, edits):
        self.x = 0.125 + sum(edit["by"][0] for edit in edits if edit["do"] == "move")
        self.y = 0.125 + sum(edit["by"][1] for edit in edits if edit["do"] == "move")
        self.gone = any(edit["do"] == "delete" for edit in edits)
        self.labels = [] if self.gone else ["ball" if self.x > 0.5 else "sun"]
        self.pixels, self.edited = pixels, bool(edits)

    def render(self, size):
        pixels = np.asarray(Image.fromarray(self.pixels).resize((size, size), Image.Resampling.BILINEAR)).copy()
        if self.edited and not self.gone:
            pixels[round(self.y * size) : round((self.y + 0.25) * size), round(self.x * size) : round((self.x + 0.25) * size)] = 255
        return pixels

    def things(self):
        return [] if self.gone else [{"thing": 4, "name": self.labels[0], "box": [self.x, self.y, self.x + 0.25, self.y + 0.25]}]


@pytest.fixture
def inspection():
    return make_inspection(6, 5)


@pytest.fixture
def predict(inspection):
    return Strips(inspection)


@pytest.fixture
def scenic(page, inspection, predict):
    picture = np.asarray(inspection.image(2))
    predict.scenes = lambda identifier, edits: Square(picture, edits)
    open_explorer(page, AttentionExplorer(inspection, image=2, label="sun", predict=predict, spot=None))
    settle(page)
    return page


def test_before_shows_no_box_of_what_was_edited(scenic):
    scenic.get_by_role("button", name="Move", exact=True).click()
    drag(scenic, 0, [(0.2, 0.2), (0.75, 0.7)])
    assert scenic.locator(".wb-marks .wb-line").count() == 1
    scenic.get_by_role("button", name="Before", exact=True).click()
    assert scenic.locator(".wb-marks .wb-line").count() == 0
    assert np.abs(photo_at(scenic, 0.75, 0.7) - 255).max() > 3, "the picture is the one before, too"
    scenic.get_by_role("button", name="Before", exact=True).click()
    assert scenic.locator(".wb-marks .wb-line").count() == 1


def test_an_object_is_moved_and_deleted(scenic, inspection, predict):
    scenic.get_by_role("button", name="Move", exact=True).click()
    assert scenic.locator(".wb-marks .wb-line").count() == 1
    drag(scenic, 0, [(0.2, 0.2), (0.75, 0.7)])
    [edit] = edits_of(scenic)
    assert edit["thing"] == 4
    np.testing.assert_allclose(edit["by"], [0.55, 0.5], atol=0.01)
    assert rows(scenic) == expected_rows(inspection, predict, Square(np.asarray(inspection.image(2)), [edit]).render(64))
    assert photo_at(scenic, 0.8, 0.75).min() > 240
    states = {
        line.locator("button").inner_text(): line.locator("svg").get_attribute("aria-label")
        for line in scenic.locator(".wb-beforeafter tbody tr").all()
    }
    assert states["ball"] in ("correct", "missed"), "to the right it is a ball"
    assert states["sun"] in ("false alarm", "rightly not predicted")
    drag(scenic, 0, [(0.3, 0.3), (0.5, 0.5)])
    assert len(edits_of(scenic)) == 1, "where there is no object, nothing is moved"
    scenic.get_by_role("button", name="Delete").click()
    box = scenic.locator(".wb-canvas").first.bounding_box()
    scenic.mouse.click(box["x"] + 0.8 * box["width"], box["y"] + 0.75 * box["height"])
    settle(scenic)
    assert [edit["do"] for edit in edits_of(scenic)] == ["move", "delete"]
    assert scenic.locator(".wb-marks .wb-line").count() == 0


def test_objects_by_keyboard(scenic):
    scenic.get_by_role("button", name="Move", exact=True).click()
    scenic.locator(".wb-canvas").nth(1).focus()
    for key in ("Enter", "ArrowLeft", "ArrowLeft", "ArrowUp", "ArrowUp", " ", "ArrowRight", " "):
        scenic.keyboard.press(key)
    settle(scenic)
    [edit] = edits_of(scenic)
    np.testing.assert_allclose(edit["by"], [1 / 7, 0], atol=1e-6)
    for key in ("t", " "):
        scenic.keyboard.press(key)
    settle(scenic)
    assert [each["do"] for each in edits_of(scenic)] == ["move", "delete"]
