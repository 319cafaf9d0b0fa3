"""Script in every text that an archive or a run can hold, shown by every explorer, page and still picture in a real browser: nothing runs.

The pages of the explorers and the still pictures are tried without a Content-Security-Policy, so that nothing but our own handling of text
stands between the field and the page; the exported pages are tried as they are, where an attempt would be logged as a violation.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from tests.support.archives import make_contents
from tests.support.embedded import embed
from tests.support.layered import make_layered_contents
from tests.support.moving import Weighing, make_editor
from tests.support.plain_page import open_explorer, open_lab, open_points
from tests.support.traced import make_fired, make_templates
from workbench.categories import Categories
from workbench.inspection import Inspection
from workbench.reports.collect import collect
from workbench.reports.page import write_report
from workbench.widgets import AttentionExplorer, EmbeddingExplorer, LabelExplorer, MoveLab, TemplateExplorer

pytestmark = pytest.mark.browser
LISTEN = "window.hits = []; window.hit = (field) => window.hits.push(field); null;"
LIVE = "[onerror], [onload], [onclick], [href^=javascript]"
HITS = f"() => [...window.hits, ...[...document.querySelectorAll('{LIVE}')].map((element) => element.outerHTML)]"


def script(field):
    """A text that calls `hit` if any of the usual ways of putting text into a page is careless."""
    call = f"hit(`{field}`)"
    return (
        f"{field}\"'><img src=data: onerror={call}><svg onload={call}></svg></script><script>{call}</script>"
        f"<a href='javascript:{call}' onclick={call}>x</a>${{{call}}}{{{{{call}}}}}&lt;img src=data: onerror={call}&gt;"
    )


def hostile(contents, keys=False):
    """`contents` with script in every text; with `keys`, in the names that tensors go by as well. Also the fields that were filled."""
    fields = []

    def text(field):
        fields.append(field)
        return script(field)

    names = {old: text(f"category {number}") for number, old in enumerate(contents.categories.names)}
    kinds = {kind.name: text(f"map {number}") if keys else kind.name for number, kind in enumerate(contents.map_kinds)}
    logits = {kind.name: text(f"logits {number}") if keys else kind.name for number, kind in enumerate(contents.logit_kinds)}
    relations = {name: text(f"relation {name}") if keys else name for name in contents.relations}
    layers = {kind.layer: text(f"layer {kind.layer}") for kind in contents.map_kinds if kind.layer}

    def declared(what, kind):
        return replace(kind, title=text(f"{what} {kind.name} title"), meaning=text(f"{what} {kind.name} meaning"))

    contents.categories = Categories(names.values(), {name: text(f"group of {old}") for old, name in names.items()})
    contents.ids = [text(f"id {number}") for number in range(len(contents.ids))]
    contents.regions = [[replace(region, category=names[region.category]) for region in each] for each in contents.regions or []] or None
    contents.map_kinds = tuple(
        replace(declared("map", kind), name=kinds[kind.name], layer=layers.get(kind.layer), logit=logits.get(kind.logit, kind.logit))
        for kind in contents.map_kinds
    )
    contents.maps = {kinds[name]: values for name, values in contents.maps.items()}
    contents.map_labels = {kinds[name]: values for name, values in contents.map_labels.items()}
    contents.logit_kinds = tuple(replace(declared("logits", kind), name=logits[kind.name]) for kind in contents.logit_kinds)
    contents.logits = {logits[name]: values for name, values in contents.logits.items()}
    contents.scored = logits[contents.scored]
    contents.part_kinds = tuple(declared("part", kind) for kind in contents.part_kinds)
    contents.relations = {relations[name]: values for name, values in contents.relations.items()}
    contents.relations_each = {relations[name]: values for name, values in contents.relations_each.items()}
    contents.relation_titles = {relations[name]: text(f"relation {name} title") for name in relations}
    contents.tables = {
        name: replace(
            table,
            rows=[names.get(row) or text(f"table {name} row") for row in table.rows],
            columns=[names.get(column) or text(f"table {name} column {number}") for number, column in enumerate(table.columns)],
            title=text(f"table {name} title"),
            meaning=text(f"table {name} meaning"),
        )
        for name, table in contents.tables.items()
    }
    contents.measurements = {
        "pointing": {kind: {"overall": 0.5, "n": 9} for kind in kinds.values()},
        "sanity": {kind: {"verdict": text("verdict"), "rank_correlation": 0.1, "baseline": 0.0} for kind in kinds.values()},
    }
    contents.provenance = {"name": text("name of the model"), "data": text("name of the data"), "commit": text("commit")}
    if contents.embeddings:
        titles = {name: (text(f"projection {name}"), text(f"projection {name} meaning")) for name in contents.embeddings.points}
        epochs = [{**epoch, "title": text(f"epoch {number}")} for number, epoch in enumerate(contents.embeddings.epochs)]
        contents.embeddings = replace(contents.embeddings, titles=titles, epochs=epochs)
    return contents, fields


@pytest.fixture
def listening(page):
    page.add_init_script(LISTEN)
    page.evaluate(LISTEN)  # for the page that is open already
    return page


@pytest.fixture(scope="module")
def attention():
    return Inspection.of(hostile(make_contents(4, 5), keys=True)[0])


@pytest.fixture(scope="module")
def layered():
    return Inspection.of(hostile(make_layered_contents(4, 5))[0])


@pytest.fixture(scope="module")
def points():
    return Inspection.of(hostile(embed(make_contents(12, 4, regions=False, each=False)))[0])


def nothing_ran(page):
    page.wait_for_timeout(100)
    assert page.evaluate(HITS) == []


def test_the_tries_are_real(listening):
    """Put into a page carelessly, the same text runs, by several ways."""
    listening.set_content(f"<p>{script('careless')}</p>")
    listening.wait_for_function("() => window.hits.length >= 3")
    listening.watch.errors.clear()
    listening.watch.foreign.clear()


@pytest.mark.parametrize("name", ["attention", "layered"])
def test_attention_explorer(name, listening, request):
    explorer = AttentionExplorer(request.getfixturevalue(name))
    open_explorer(listening, explorer)
    listening.locator(".wb-explorer").focus()
    listening.keyboard.press("ArrowRight")
    listening.mouse.move(400, 500)
    nothing_ran(listening)
    assert "onerror=hit(`category 0`)" in listening.inner_text("main")
    assert "onerror=hit(`id" in listening.inner_text("main")


def test_comparison_of_two_models(listening, attention):
    open_explorer(listening, AttentionExplorer([attention, attention]))
    nothing_ran(listening)


def test_label_explorer(listening, layered):
    open_explorer(listening, LabelExplorer(layered), "labels")
    nothing_ran(listening)
    assert "onerror=hit(`category 0`)" in listening.inner_text("main")


def test_embedding_explorer(listening, points):
    open_points(listening, EmbeddingExplorer(points))
    nothing_ran(listening)
    assert "onerror=hit(`category" in listening.inner_text("main")


@pytest.mark.parametrize("kind", ["traces", "moves"])
def test_labs_of_what_was_learned(kind, listening):
    if kind == "traces":
        names = tuple(script(f"category {number}") for number in range(4))
        fired, pictures = make_fired()
        lab = TemplateExplorer(make_templates(names=names), fired, pictures, [script(f"id {number}") for number in range(len(fired))])
    else:
        lab = MoveLab({script(f"model {number}"): Weighing(make_editor(), seed=number) for number in range(2)})
    open_lab(listening, lab, kind)
    listening.locator(".wb-explorer").focus()
    listening.keyboard.press("ArrowDown")
    nothing_ran(listening)
    assert "onerror=hit(`" in listening.inner_text("main")
    listening.set_content(f"<main>{lab.snapshot().data}</main>")
    nothing_ran(listening)
    assert "onerror=hit(`" in listening.inner_text("main")


@pytest.mark.parametrize("kind", ["attention", "layered", "labels", "embedding"])
def test_exported_pages_try_nothing_and_carry_a_policy(kind, listening, attention, layered, points, tmp_path):
    made = {
        "attention": lambda: AttentionExplorer(attention),
        "layered": lambda: AttentionExplorer(layered),
        "labels": lambda: LabelExplorer(layered),
        "embedding": lambda: EmbeddingExplorer(points),
    }[kind]()
    path = made.export_html(tmp_path / "page.html")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', path.read_text(encoding="utf-8")).group(1)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    listening.goto(path.as_uri())
    listening.wait_for_selector(".wb-explorer, .wb-embedding, .wb-labels")
    nothing_ran(listening)


@pytest.mark.parametrize("kind", ["attention", "layered", "labels", "embedding"])
def test_still_pictures(kind, listening, attention, layered, points):
    made = {
        "attention": lambda: AttentionExplorer(attention),
        "layered": lambda: AttentionExplorer(layered),
        "labels": lambda: LabelExplorer(layered),
        "embedding": lambda: EmbeddingExplorer(points),
    }[kind]()
    listening.set_content(f"<main>{made.snapshot().data}</main>")
    nothing_ran(listening)
    assert "onerror=hit" in listening.inner_text("main")


def test_report(listening, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps({"name": script("recipe")}))
    (folder / "environment.json").write_text(json.dumps({script("key"): script("value"), "packages": {"torch": script("version")}}))
    row = {"stage": script("stage"), "epoch": 1, "stage_epoch": 1, "step": 1, "images": 8, "loss": 1.0, f"loss.{script('term')}": 1.0}
    row |= {"validation.map": 0.5, "validation.ap": [], "seconds": 1.0, "images_per_second": 4.0, "lr": 0.1}
    (folder / "history.jsonl").write_text(json.dumps(row) + "\n")
    result = {"convention": script("convention"), "mAP": 0.5, "AP": {script("label"): 0.5, script("other"): None}}
    (folder / "evaluation-sklearn.json").write_text(json.dumps({**result, "data": script("data"), "images": script("count")}))
    contents, _ = hostile(make_contents(4, 5))
    contents.save(folder / "inspection.safetensors")
    text = write_report([collect(folder)], tmp_path / "report.html", title=script("title")).read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    listening.set_content(re.sub(r"<meta http-equiv=[^>]+>", "", text, count=1))
    nothing_ran(listening)
    for field in ("recipe", "convention", "label", "data", "verdict", "value"):
        assert f"hit(`{field}`)" in listening.locator("body").text_content(), field
