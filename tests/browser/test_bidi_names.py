"""Names written from right to left, or that turn the order of letters, leave the text around them in order."""

import pytest

from tests.support.archives import make_contents
from tests.support.embedded import embed
from tests.support.plain_page import open_explorer, open_lab, open_points
from workbench.widgets import AttentionExplorer, EmbeddingExplorer, LabelExplorer, ThresholdLab

pytestmark = pytest.mark.browser
NAMES = ["שמש 7", "\u202eevil 0.55", "كرة", "\u2067open", "tree"]
# Where the letters of a text really stand: those of the name must lie between those before and after it, and these in their order.
ORDER = """(node) => {
  const places = [];
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data } = walker.currentNode;
    for (let i = 0; i < data.length; i++) {
      if (!/[A-Za-z0-9?·.]/.test(data[i])) continue;
      const range = document.createRange();
      range.setStart(walker.currentNode, i);
      range.setEnd(walker.currentNode, i + 1);
      const box = range.getBoundingClientRect();
      if (box.width) places.push([data[i], box.left, box.top]);
    }
  }
  return places;
}"""


def save(folder):
    return embed(make_contents(12, NAMES, each=False)).save(folder / "names.safetensors")


def left_to_right(places, words):
    """Whether the letters of `words`, the end of a text, stand one after the other."""
    letters = [letter for letter in words if letter.isalnum() or letter in "?·."]
    tail = places[-len(letters) :]
    assert [letter for letter, *_ in tail] == letters
    lines = {}
    for _, left, top in tail:
        lines.setdefault(round(top / 4), []).append(left)
    return all(line == sorted(line) for line in lines.values())


@pytest.mark.parametrize("name", NAMES[:4])
def test_the_heading_and_the_status_line(page, tmp_path, name):
    path = save(tmp_path)
    open_explorer(page, AttentionExplorer(path, image=3, label=name))
    heading = page.locator(".wb-question")
    shown = heading.inner_text()
    assert left_to_right(page.evaluate(ORDER, heading.element_handle()), shown[shown.index("?") :])
    status = page.locator(".wb-status")
    assert left_to_right(page.evaluate(ORDER, status.element_handle()), status.inner_text().rpartition(",")[2])
    for row in page.locator(".wb-list [role=option]:visible").all():
        score = row.locator(".wb-score")
        assert left_to_right(page.evaluate(ORDER, score.element_handle()), score.inner_text())
    page.locator(".wb-list [role=option]:visible").first.click()
    assert page.evaluate("() => window.model.get('view_state').label") in NAMES, "what is sent to the kernel is the name itself"


def test_every_text_of_every_explorer_isolates_them(page, tmp_path):
    path = save(tmp_path)
    openers = [(open_points, EmbeddingExplorer(path)), (open_lab, ThresholdLab(path))]
    for opener, explorer in openers:
        other = page.context.new_page()
        opener(other, explorer)
        texts = other.evaluate("""() => {
          const read = ['title', 'aria-label', 'alt'];
          const texts = [...document.querySelectorAll('*')].flatMap((node) => read.map((key) => node.getAttribute(key) || ''));
          const walker = document.createTreeWalker(document.querySelector('.wb-explorer'), NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) texts.push(walker.currentNode.data);
          return texts;
        }""")
        found = 0
        for text in texts:
            for name in (NAMES[0], NAMES[1], NAMES[2]):
                assert text.count(name) == text.count(f"\u2068{name}\u2069"), text
                found += text.count(name)
            assert "\u2067" not in text
        assert found > 3
        other.close()


def test_still_pictures_and_words(tmp_path):
    path = save(tmp_path)
    for explorer in (
        AttentionExplorer(path, image=3, label=NAMES[1]),
        EmbeddingExplorer(path, category=NAMES[1]),
        LabelExplorer(path),
        ThresholdLab(path, label=NAMES[1]),
    ):
        still = explorer.snapshot()
        for text in (still.data, still.words):
            for name in NAMES[:3]:
                assert text.count(name) == text.count(f"\u2068{name}\u2069")
            assert "\u2067" not in text
        assert NAMES[1] in still.data or NAMES[0] in still.data
