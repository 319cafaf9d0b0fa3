"""The command line on bad input: exit code 2 and one sentence that names what was wrong; and the small commands on good input."""

from __future__ import annotations

import json

import pytest

from workbench.cli import COMMANDS, main


def said(capsys) -> str:
    return capsys.readouterr().err.strip()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "scenes-srm"], 'Did you mean "scenes-srn"'),
        (["train", "scenes-srn", "--set", "stages.joint.lrr=1"], 'Did you mean "lr"|Did you mean "stages.joint.lr"'),
        (["train", "scenes-srn", "--set", "stages.joint.lr"], "not of the form KEY=VALUE"),
        (["evaluate", "nowhere"], "There is no run folder nowhere"),
        (["evaluate", "nowhere", "--preset", "mlgnc"], 'Did you mean "mlgcn"'),
        (["evaluate", "nowhere", "--thresholds", "none.json"], "no file of thresholds none.json"),
        (["evaluate", "nowhere", "--thresholds", "1.5"], "probability between 0 and 1"),
        (["inspect", "nowhere", "-o", "x.safetensors"], "There is no run folder nowhere"),
        (["export", "nowhere.safetensors", "-o", "page.html"], "There is no archive at nowhere.safetensors"),
        (["export", "scenes-sm", "-o", "page.html"], "There is no archive"),
        (["report", "nowhere"], "not a run folder"),
        (["data", "check", "scene"], 'Did you mean "scenes"'),
        (["data", "check", "scenes", "--split", "trial"], 'Did you mean "train"'),
        (["data", "check", "voc2007", "--root", "nowhere"], "nowhere"),
        (["data", "get", "coc"], 'Did you mean "coco"'),
        (["lab", "00_start_her"], 'There is no notebook "00_start_her"'),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    import re

    assert main(arguments) == 2
    text = said(capsys)
    assert re.search(sentence, text), text
    assert "Traceback" not in text
    assert len(text.splitlines()) == 1
    assert list(tmp_path.rglob("*.html")) == []
    assert list(tmp_path.rglob("*.safetensors")) == []


def test_every_command_has_help(capsys):
    for command in COMMANDS:
        with pytest.raises(SystemExit) as stop:
            main([command, "--help"])
        assert stop.value.code == 0
    assert "usage" in capsys.readouterr().out


def test_recipes_as_json(capsys):
    assert main(["recipes", "--json"]) == 0
    assert "scenes-srn" in json.loads(capsys.readouterr().out)
    assert main(["recipes", "scenes-srn"]) == 0
    assert list(json.loads(capsys.readouterr().out)["stages"]) == ["classifier", "attention", "regularisation", "joint"]


def test_data_check_counts(capsys):
    assert main(["data", "check", "scenes", "--count", "20", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["images"] == 20
    assert result["broken"] == []
    from workbench import load_dataset

    data = load_dataset("scenes", "val", count=20)
    assert result["frequencies"]["house"] == int((data.targets[:, data.categories.index("house")] == 1).sum())


def test_data_export_is_read_by_pycocotools(tmp_path, capsys):
    assert main(["data", "export", "scenes", "--count", "6", "-o", str(tmp_path)]) == 0
    (path,) = (tmp_path / "annotations").glob("*.json")
    from pycocotools.coco import COCO

    assert len(COCO(str(path)).getImgIds()) == 6


def test_doctor_finds_a_missing_package(monkeypatch, capsys):
    from importlib.metadata import PackageNotFoundError

    from workbench.commands import doctor

    real = doctor.version

    def version(name):
        if name == "anywidget":
            raise PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(doctor, "version", version)
    assert main(["doctor"]) == 1
    assert "anywidget is not installed" in capsys.readouterr().out


def test_without_torch_a_training_command_says_what_to_install(monkeypatch, capsys):
    import builtins

    real = builtins.__import__

    def without_torch(name, *rest, **options):
        if name == "workbench.training":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    assert main(["recipes"]) == 2
    assert 'pip install -e ".[train]"' in said(capsys)
