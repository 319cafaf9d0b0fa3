"""What the guided notebooks say of the shipped archives and studies: computed here anew, and compared with what they print and claim."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import workbench
from workbench import WorkbenchError
from workbench.datasets.scenes import RELATION_LABELS
from workbench.lessons import atlas, disc_atlas, lesson, relations_study, shortcut_study
from workbench.lessons.cases import coverage, strongest_cells
from workbench.lessons.execute import read_notebook
from workbench.lessons.start_here import PAPERS

ROOT = Path(__file__).parent.parent.parent
ON_VALIDATION = ("scenes-srn", "scenes-pooled", "scenes-msrn", "scenes-disentangled", "scenes-disentangled-off")


def study(name: str) -> dict:
    return json.loads((ROOT / "studies" / f"{name}.json").read_text("utf-8"))


def archive(name: str):
    try:
        return workbench.open_inspection(ROOT / "data" / f"{name}.safetensors")
    except WorkbenchError:
        pytest.skip(f"data/ lacks {name}")


def words(name: str) -> str:
    """All prose of a notebook on one line."""
    notebook = read_notebook(ROOT / "notebooks" / f"{name}.ipynb")
    return " ".join(" ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown").split())


def printed(name: str, cell: str) -> str:
    """What a cell of a shipped notebook showed, as plain text on one line."""
    found = next(one for one in read_notebook(ROOT / "notebooks" / f"{name}.ipynb").cells if one.id == cell)
    shown = [str(output.get("text") or output.get("data", {}).get("text/plain", "")) for output in found.outputs]
    return " ".join(" ".join(shown).split())


@pytest.fixture(scope="module")
def srn():
    return archive("scenes-srn")


@pytest.fixture(scope="module")
def first_lesson(srn):
    return lesson("01_srn", srn)


def test_attention_alone_tells_present_from_absent(srn):
    from sklearn.metrics import roc_auc_score

    known, peaks = srn.targets >= 0, strongest_cells(srn, "attention")
    area = roc_auc_score(srn.targets[known] == 1, peaks[known])
    assert area > 0.85
    assert printed("01_srn", "strongest-cells").endswith(f"AUC of the strongest cell of A: {area:.2f}")
    mass = np.stack([srn.maps("weighted", image)[1].astype(float).sum(axis=(1, 2)) for image in range(len(srn))])
    gated = roc_auc_score(srn.targets[known] == 1, mass[known])
    assert gated > area
    assert printed("01_srn", "gate-sums").endswith(f"AUC of the sum of U: {gated:.3f}")
    assert "nobody can tell" not in words("01_srn")


def test_the_first_absent_label_is_a_typical_one(srn, first_lesson):
    image, label = first_lesson.absent
    column = srn.categories.index(label)
    assert srn.targets[image, column] == 0
    assert srn.logits()[image, column] < 0
    peaks = strongest_cells(srn, "attention")
    absent = peaks[(srn.targets == 0) & (srn.logits() < 0)]
    stronger, weaker = (np.mean(compare(absent, peaks[image, column])) for compare in (np.greater, np.less))
    assert stronger == pytest.approx(0.5, abs=0.01)
    assert weaker == pytest.approx(0.5, abs=0.01)
    said = first_lesson.q1("fainter")
    assert said.passed
    there = np.median(peaks[srn.targets == 1])
    assert f"{peaks[image, column]:.2f} of the map, that of a label that is there {there:.2f} (median)" in said.text
    assert first_lesson.q1("as bright").passed is False
    assert "add up to one" in first_lesson.q1("dark").text


def test_the_slope_of_the_attention_score_is_what_the_notebook_says():
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(2)
    scores = torch.randn(3, 5, 8, 8, generator=generator, dtype=torch.float64, requires_grad=True)  # Z [B, C, H, W]
    confidence = torch.randn(3, 5, 8, 8, generator=generator, dtype=torch.float64)
    attention = torch.softmax(scores.flatten(2), dim=2).view_as(scores)
    logits = (attention * confidence).sum(dim=(2, 3))
    (slope,) = torch.autograd.grad(logits.sum(), scores, retain_graph=True)
    torch.testing.assert_close(slope, attention * (confidence - logits[..., None, None]))
    for truth, sign in ((1.0, 1), (0.0, -1)):  # a step down the loss: towards high S where the label is there, towards low S where not
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, truth))
        (down,) = torch.autograd.grad(-loss, scores, retain_graph=True)
        assert (torch.sign(down) == sign * torch.sign(confidence - logits[..., None, None])).all()


def test_where_attention_rests_follows_that_slope(srn):
    plain = np.stack([srn.maps("confidence", image)[1].astype(float).mean(axis=(1, 2)) for image in range(len(srn))])
    above = srn.logits("att") > plain
    there, absent = (above[srn.targets == truth].mean() for truth in (1, 0))
    assert there > 0.9
    assert absent < 0.3
    text = printed("01_srn", "att-slope-by-hand")
    assert f"labels that are there: attention rests on more S than the plain mean in a share of {there:.2f}" in text
    assert f"labels that are not there: attention rests on more S than the plain mean in a share of {absent:.2f}" in text


def test_what_influence_is_worth_is_counted():
    table = relations_study.table(study("relations"))
    found = {(row["readout"], row["relation"]): row for row in study("relations")["summary"] if row["arm"] == "srn"}
    for readout, (title, *cells) in zip(relations_study.READOUTS, table.rows, strict=True):
        assert title == relations_study.READOUTS[readout]
        assert cells == [f"{found[readout, relation]['found']} of {found[readout, relation]['asked']}" for relation in (1, 0)]
    assert table.head[1:] == ["with the rule", "without the rule"]
    assert found["gradient", 1]["found"] == 1
    assert found["swapped", 1]["found"] == 24
    assert " ".join(repr(table).split()) == printed("01_srn", "influence-study")
    assert relations_study.ABSENT in " ".join(repr(relations_study.table(None)).split())


def test_start_here_begins_with_things_that_look_like_their_names(srn):
    image, label = lesson("00_start_here", srn, archive("scenes-pooled")).first
    there = {srn.categories[column] for column in np.flatnonzero(srn.targets[image] == 1)}
    assert label in there
    assert set(PAPERS) == set(RELATION_LABELS)
    assert not there & set(RELATION_LABELS)
    assert len(there) > 2
    column = srn.categories.index(label)
    values = srn.maps("attention", image)[1][column]
    row, place = np.unravel_index(values.argmax(), values.shape)
    assert coverage(srn, image, column, values.shape)[row, place] > 0.5, "the first map has to lie on its object, not beside it"


@pytest.mark.parametrize("name", ["00_start_here", "01_srn", "02_msrn", "03_class_separation"])
def test_validation_scenes_are_said_to_have_chosen_the_epoch(name):
    assert "These are *validation* scenes, the ones on which the best epoch of each training was chosen" in words(name)


@pytest.mark.parametrize("name", ON_VALIDATION)
def test_those_archives_hold_validation_scenes(name):
    assert archive(name).ids[0].startswith("val-")


def test_the_loss_on_class_features_is_not_judged_by_one_pair():
    told = disc_atlas.ratio_of(study("disc_atlas"), "disentangled")
    rows = [row for row in study("disc_atlas")["summary"] if row["host"] == "disentangled"]
    for row in rows:
        assert atlas.side(row["on_minus_off"]["ratio"]) == 0
        assert f"{row['off']['ratio']['mean']:.2f} to {row['on']['ratio']['mean']:.2f}, not told apart" in told.paragraphs[0]
    assert " ".join(repr(told).split()) == printed("03_class_separation", "one-pair-study")
    both = lesson("03_class_separation", archive("scenes-disentangled-off"), archive("scenes-disentangled"))
    assert told.paragraphs[0] in both.q1("with the loss").text
    assert "in one training of each" in both.q1("without it").text


def test_a_plane_shortens_distances_and_may_exaggerate_separation():
    on = archive("scenes-disentangled")
    features, pairs = on.features()
    z = features.astype(float) / np.linalg.norm(features.astype(float), axis=1, keepdims=True)
    plane, of_class = on.embeddings().points["pca"][-1].astype(float), pairs[:, 1]
    longer = further = count = 0
    for first, second in combinations(np.unique(of_class), 2):
        measured = []
        for points in (z, plane):
            own = [points[of_class == k] for k in (first, second)]
            distance = np.linalg.norm(own[0].mean(axis=0) - own[1].mean(axis=0))
            widths = [np.linalg.norm(rows - rows.mean(axis=0), axis=1).mean() for rows in own]
            measured.append((distance, distance / np.mean(widths)))
        (far, wide), (far_plane, wide_plane) = measured
        longer, further, count = longer + (far_plane > far), further + (wide_plane > wide), count + 1
    assert longer == 0
    assert further > count / 2
    assert printed("03_class_separation", "plane-pairs") == (
        f"of {count} pairs of classes, in the plane {longer} have a longer distance than in the full space "
        f"{further} are further apart in units of their width"
    )
    assert "can only hide" not in words("03_class_separation")


def test_the_failed_half_of_the_hypothesis_on_shortcuts_is_told_and_discussed():
    found = shortcut_study.figures(study("shortcut"))
    assert atlas.side(found["deletion, attention"]["difference"]) > 0
    assert atlas.side(found["deletion, class_activation"]["difference"]) == 0
    assert found["deletion, attention"]["shortcut"]["mean"] < found["deletion, random map"]["shortcut"]["mean"] / 2
    said = printed("05_trust", "study-verdict")
    assert "higher, and no worse was expected. The score that is left is 0.26 in the misled model (random cells 0.56)" in said
    assert "The first half held, the second did not" in words("05_trust")


def test_what_is_more_alike_than_chance_is_called_partly_sensitive():
    verdicts = [
        archive(name).measurements["sanity"]["integrated_gradients"]["verdict"] for name in ("scenes-shortcut", "scenes-shortcut-off")
    ]
    assert verdicts == ["partly sensitive"] * 2
    for name in ("00_start_here", "01_srn", "05_trust"):
        assert "artly sensitive*" in words(name)


def test_few_and_many_images_differ_in_passes_and_the_words_say_so():
    seen = study("atlas")
    assert "12,000 with few images, 32,000 with many images" in " ".join(atlas.verdict(seen).paragraphs)
    same = {**seen, "runs": [{**run, "images_through_backbone": 5} for run in seen["runs"]]}
    assert "Few and many" not in " ".join(atlas.verdict(same).paragraphs)
