"""The page for disk: what stands in it, where it is cut, and what cannot get out of its data."""

import base64
import hashlib
import json
import re

import pytest

from tests.support.archives import HOSTILE_NAME, make_inspection
from workbench.errors import WorkbenchError
from workbench.widgets import AttentionExplorer, assets


def content(path):
    return json.loads(re.search(r'<script type="application/json" id="content">(.*?)</script>', path.read_text(), re.DOTALL).group(1))


def test_everything_is_in_the_page(tmp_path):
    explorer = AttentionExplorer(make_inspection(7, hostile=True), image=3)
    page = explorer.export_html(tmp_path / "folder" / "page.html")
    data = content(page)
    assert data["description"]["ids"] == explorer.matched.ids
    assert [packet["image"] for packet in data["images"]] == list(range(7))
    assert data["view"] == explorer.view_state
    assert HOSTILE_NAME in data["description"]["categories"]
    assert HOSTILE_NAME not in page.read_text(), "the name stands in the page as an element"
    assert assets.module_text("attention") in page.read_text()
    assert "7 of 7 images" in page.read_text()


def test_the_policy_names_exactly_the_scripts_and_styles_of_the_page(tmp_path):
    text = AttentionExplorer(make_inspection(3)).export_html(tmp_path / "page.html").read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text).group(1)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag, pattern in (("script-src", r'<script type="module">(.*?)</script>'), ("style-src", r"<style>(.*?)</style>")):
        [body] = re.findall(pattern, text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag} 'sha256-{digest}'" in policy


def test_chosen_images_in_the_order_of_the_archive(tmp_path):
    explorer = AttentionExplorer(make_inspection(9, model_seed=1), image=0)
    data = content(explorer.export_html(tmp_path / "page.html", images=[5, "scene-0002", 5]))
    assert data["description"]["ids"] == ["scene-0002", "scene-0005"]
    assert data["view"]["image"] == "scene-0002", "the image in view is not in the page: the first one is shown"
    with pytest.raises(WorkbenchError, match="empty"):
        explorer.export_html(tmp_path / "page.html", images=[])
    with pytest.raises(WorkbenchError, match="no image"):
        explorer.export_html(tmp_path / "page.html", images=["scene-9"])


def test_the_cap_cuts_and_says_so(tmp_path):
    explorer = AttentionExplorer(make_inspection(30, 20, grid=(28, 28)), image=12)
    page = explorer.export_html(tmp_path / "page.html", cap_mb=1)
    data = content(page)
    assert page.stat().st_size <= 1e6
    assert 1 <= len(data["images"]) < 30
    assert "scene-0012" in data["description"]["ids"], "the image in view comes first"
    assert f"cut at 1 MB: {30 - len(data['images'])} more images were asked for" in page.read_text()
    with pytest.raises(WorkbenchError, match=r"Not one image fits into 0\.05 MB"):
        explorer.export_html(tmp_path / "other.html", cap_mb=0.05)
    assert not (tmp_path / "other.html").exists()
    assert len(list(tmp_path.iterdir())) == 1, "a temporary file was left"
