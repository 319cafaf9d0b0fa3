"""Each data set in its official layout, all the way through the real commands: check, train an epoch, evaluate, inspect, report."""

import io
import json
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from tests.soak.registry import listed, proof
from tests.support.miniatures import MINIATURES, SPLITS, make_miniature
from workbench import Inspection
from workbench.cli import main
from workbench.training import Run


def all_the_way(name, training, validation, root, folder):
    """Run every command on two splits of a data set with a small network. Returns the inspection."""

    def command(*words):
        said = io.StringIO()
        with redirect_stdout(said):
            assert main([str(word) for word in words]) == 0
        return said.getvalue()

    checked = json.loads(command("data", "check", name, "--split", validation, "--root", root, "--json"))
    assert not checked["broken"]
    # The modern training, turned to these data and to a small network.
    settings = {"data.name": name, "data.train": training, "data.validation": validation, "data.root": root}
    settings |= {"model.backbone": "small", "model.weights": "none", "image_size": 64, "precision": "32-true"}
    settings |= {"stages.all.epochs": 1, "stages.all.batch_size": 8}
    changes = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    trained = json.loads(command("train", "coco2014-modern", "-o", folder / "run", "--json", *changes))
    assert np.isfinite(trained["loss"])
    scored = json.loads(command("evaluate", folder / "run", "--json"))
    assert 0 < scored["mAP"] <= 1
    assert set(scored["AP"]) == set(checked["frequencies"])
    never = {label for label, count in checked["frequencies"].items() if count == 0}
    assert {label for label, value in scored["AP"].items() if value is None} == never
    command("inspect", folder / "run", "-o", folder / "run.safetensors", "--limit", 4, "--no-measure")
    inspection = Inspection.open(folder / "run.safetensors")
    assert len(inspection) == 4
    np.testing.assert_array_equal(inspection.targets, Run.open(folder / "run").validation().targets[:4])
    command("report", folder / "run", "-o", folder / "report.html")
    page = (folder / "report.html").read_text()
    assert scored["data"] in page
    assert "Beside published figures" not in page  # a few dozen pictures stand beside nobody's
    return inspection


@proof(whole=len(MINIATURES), sample=3, piece=1, marks=("slow",))
def miniatures(seed, count):
    """A data set in its official layout goes through every command: check, train, evaluate, inspect, report."""
    for name in listed(MINIATURES, seed, count):
        with tempfile.TemporaryDirectory() as folder:
            root = make_miniature(name, Path(folder) / "data")
            training, validation = SPLITS[name]
            inspection = all_the_way(name.removesuffix("-table"), training, validation, root, Path(folder))
            has_boxes = name.startswith(("coco", "voc"))
            assert any(len(inspection.regions(index)) for index in range(4)) == has_boxes, name
