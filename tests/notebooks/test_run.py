"""Every notebook runs from start to end: unanswered and answered, on shipped archives and on a student's, with and without PyTorch."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.conftest import ROOT
from tests.notebooks.test_rules import lesson_class
from tests.support.shared_data import shared
from workbench.lessons import LESSONS
from workbench.lessons.execute import LIVE, answered, changed, cleaned, read_notebook, run

NAMES = sorted(LESSONS)
ON_STUDIES = {  # questions that a study in studies/ answers
    ("01_srn", "q11"): "atlas",
    ("02_msrn", "q12"): "msrn_atlas",
    ("03_class_separation", "q11"): "disc_atlas",
    ("04_real_photos", "q7"): "voc_study",
    ("05_trust", "q9"): "trust",
    ("06_your_gpu", "q1"): "training_*",
}
TRAINED = {  # stages of each recipe, and what the last cell shows of the trained model
    "01_srn": (("classifier", "attention", "regularisation", "joint"), ("AttentionExplorer of your SRN", "your SRN, 24 pictures")),
    "02_msrn": (("all",), ("AttentionExplorer of your MSRN", "your MSRN, 24 pictures")),
    "03_class_separation": (("all",), ("EmbeddingExplorer of this notebook's and yours", "ratio")),
}
BLOCK_TORCH = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "lightning_fabric"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""


def read(name: str):
    return read_notebook(ROOT / "notebooks" / f"{name}.ipynb")


def solved(name: str):
    return answered(read(name), lesson_class(name).solutions())


def execute(notebook, home: Path, **environment: str):
    return run(notebook, home / "notebooks", timeout=300, environment={"WORKBENCH_HOME": str(home), "OMP_NUM_THREADS": "1", **environment})


def text_of(cell) -> str:
    """What a cell showed, as plain text."""
    return "\n".join(str(output.get("text") or output.get("data", {}).get("text/plain", "")) for output in cell.outputs)


def cells(notebook) -> dict:
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


def feedback(notebook) -> dict[str, str]:
    return {name: text_of(cell) for name, cell in cells(notebook).items() if re.fullmatch(r"q\d+", name)}


def expected(name: str, question: str, home: Path) -> str:
    """How the feedback to a worked answer begins."""
    study = ON_STUDIES.get((name, question))
    there = study is None or any((home / "studies").glob(f"{study}.json"))
    return "✔ Right" if there else f"○ studies/{study}.json is not there"


def assert_explorers_show(notebook) -> None:
    for name, cell in cells(notebook).items():
        if name in ("train-explore", "own-model") or "needs PyTorch and was skipped" in text_of(cell):
            continue
        for kind in ("AttentionExplorer", "LabelExplorer", "EmbeddingExplorer", "ThresholdLab"):
            if f"{kind}(" in cell.source:
                assert f"{kind} of" in text_of(cell), name


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_answered(name, shipped_home):
    for question, said in feedback(execute(solved(name), shipped_home)).items():
        assert said.startswith(expected(name, question, shipped_home)), f"{question}: {said}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_answered_on_archives_of_a_hasty_student(name, hasty_home):
    """The answers follow the archive in use; without a study the question about it says so."""
    done = execute(solved(name), hasty_home)
    assert_explorers_show(done)
    for question, said in feedback(done).items():
        assert said.startswith(expected(name, question, hasty_home)), f"{question}: {said}"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_unanswered_and_without_torch(name, shipped_home, tmp_path):
    """As it is opened first, from `make explore`."""
    (tmp_path / "sitecustomize.py").write_text(BLOCK_TORCH)
    notebook = read(name)
    proof = nbformat.v4.new_code_cell("import sys\nassert not [name for name in sys.modules if name.split('.')[0] == 'torch']", id="proof")
    notebook.cells.append(proof)
    done = execute(notebook, shipped_home, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert_explorers_show(done)
    skipped = [cell for cell in cells(done).values() if "if torch_is_here(" in cell.source]
    assert skipped
    for cell in skipped:
        assert "needs PyTorch and was skipped" in text_of(cell)
    for question, said in feedback(done).items():
        assert said.startswith("○ Not answered yet"), f"{question}: {said}"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TRAINED))
def test_training_your_own(name, hasty_home):
    """TRAIN = True with a recipe cut short: live curves, a run in runs/, and its explorer; a second time it opens at once."""
    stages, shown = TRAINED[name]
    settings = {
        "seed": 5,
        "data.options.count": 96,
        "data.validation_options.count": 24,
        **{f"stages.{stage}.epochs": 1 for stage in stages},
    }
    notebook = changed(read(name), {"settings": f"TRAIN = True\nSETTINGS = {settings!r}"})
    done = cells(execute(notebook, hasty_home))
    (folder,) = (hasty_home / "runs").glob(f"{name}*")
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert [row["stage"] for row in history] == list(stages)
    curves = [output for output in done["train-run"].outputs if "application/vnd.plotly.v1+json" in output.get("data", {})]
    assert len(curves) == 1, "one display that is refreshed, not one an epoch"
    assert f"{len(stages)} epoch{'s' * (len(stages) > 1)}" in curves[0].data["text/plain"]
    for text in shown:
        assert text in text_of(done["train-explore"])
    if "train-move" in done:
        assert "is moved from top to bottom" in text_of(done["train-move"])


@pytest.mark.slow
def test_training_the_misled_model_and_its_twin(hasty_home):
    """The notebook on trust with TRAIN = True: two runs that differ in the rule, and both of them in one explorer with the panel."""
    settings = {"seed": 5, "data.options.count": 96, "data.validation_options.count": 24, "stages.all.epochs": 1}
    notebook = changed(read("05_trust"), {"settings": f"TRAIN = True\nSETTINGS = {settings!r}"})
    done = cells(execute(notebook, hasty_home))
    folders = sorted((hasty_home / "runs").glob("05_trust*"))
    recipes = [json.loads((folder / "recipe.json").read_text()) for folder in folders]
    assert {recipe["name"]: recipe["data"]["options"]["cooccurrence"] for recipe in recipes} == {"shortcut": 1.0, "shortcut-off": 0.0}
    curves = [output for output in done["train-run"].outputs if "application/vnd.plotly.v1+json" in output.get("data", {})]
    assert len(curves) == 2, "one display for each model"
    shown = text_of(done["train-explore"])
    assert "AttentionExplorer of your shortcut, together and your shortcut-off, together" in shown
    assert "your shortcut, on its own" in shown


@pytest.mark.slow
def test_voc_from_data_to_explorer(hasty_home, tmp_path):
    """The notebook on photos with some of the VOC photos at hand: labels, training on lists of one's own, both explorers."""
    source, part = shared("data", "voc2007", "VOCdevkit", "VOC2007"), tmp_path / "VOC2007"
    for kind in ("JPEGImages", "Annotations"):
        (part / kind).mkdir(parents=True)
    (part / "ImageSets" / "Main").mkdir(parents=True)
    for name, count in (("train", 16), ("val", 6)):
        ids = (source / "ImageSets" / "Main" / f"study_{name}.txt").read_text().split()[:count]
        (part / "ImageSets" / "Main" / f"{name}.txt").write_text("\n".join(ids))
        for identifier in ids:
            shutil.copy(source / "JPEGImages" / f"{identifier}.jpg", part / "JPEGImages")
            shutil.copy(source / "Annotations" / f"{identifier}.xml", part / "Annotations")
    notebook = read("04_real_photos")
    voc = next(cell.source for cell in notebook.cells if cell.id == "voc").replace('default_root("voc2007")', f'r"{tmp_path}"')
    settings = 'TRAIN = True\nSYSTEM = "pooled"\nSETTINGS = {"precision": "32-true", "stages.classifier.epochs": 1}'
    done = cells(execute(changed(notebook, {"voc": voc, "settings": settings}), hasty_home))
    assert "6 photos" in text_of(done["voc-labels"])
    shown = text_of(done["train-explore"])
    assert "AttentionExplorer of pooled on VOC" in shown
    assert "pooled on VOC, 6 pictures" in shown
    assert "AttentionExplorer of yours" in shown


def test_what_is_kept_of_a_run(tmp_path):
    cell = nbformat.v4.new_code_cell("from ipywidgets import IntSlider\ndisplay(IntSlider())", id="slider")
    kept = cleaned(run(nbformat.v4.new_notebook(cells=[cell]), tmp_path))
    (output,) = kept.cells[0].outputs
    assert LIVE not in output.data
    assert "IntSlider" in output.data["text/plain"]
    assert "widgets" not in kept.metadata
    assert kept.cells[0].metadata == {}
    assert kept.cells[0].execution_count == 1
