"""Measured speed and memory of training in words, tables and a chart: read from studies/training_*.json, one file a machine.

Nothing is worked out for a machine that was not measured. `python -m benchmarks.training` measures one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.lessons.atlas import many
from workbench.lessons.show import Paragraphs, Table
from workbench.shelf import home

Study = Mapping[str, Any]
ABSENT = "studies/training_*.json is not there, so there is no measured speed to show; measure with `python -m benchmarks.training`."
NO_GPU = "No GPU was at hand when these were measured, so there is no figure of one here."
PARTS = ("data", "forward", "backward", "optimiser")
SYSTEMS = {"plain": "plain", "srn-paper": "SRN (paper)", "srn-released": "SRN (released)", "msrn-elementwise": "MSRN"}


def studies() -> list[dict[str, Any]]:
    """What was measured, one entry a machine, GPUs first; files that hold no finished repetition are left out."""
    found = []
    for path in sorted((home() / "studies").glob("training_*.json")):
        try:
            study = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(study, dict) and isinstance(study.get("summary"), dict) and "plain" in study["summary"]:
            found.append(study)
    return sorted(found, key=lambda study: not on_gpu(study))


def on_gpu(study: Study) -> bool:
    """Whether a study was measured on a GPU."""
    return study.get("kind") == "cuda"


def machines(found: Sequence[Study]) -> Table | Paragraphs:
    """What was measured where."""
    if not found:
        return Paragraphs([ABSENT])
    rows = []
    for study in found:
        shape = study["shape"]
        what = f"{shape['backbone']}, {shape['size']} px, {shape['labels']} labels, batch {shape['batch']}"
        rows.append([study["device"], what, shape["precision"], f"{study['machine']['packages']['torch']}", len(study["rows"])])
    caption = "" if any(map(on_gpu, found)) else NO_GPU
    return Table(["machine", "network and batch", "precision", "torch", "repetitions"], rows, caption)


def steps(study: Study) -> Table:
    """Images a second and the shares of a training step, each system beside the plain network of the same depth."""
    rows = []
    for name, entry in study["summary"].items():
        shares = " / ".join(f"{100 * entry['share_of_step'][part]:.0f}" for part in PARTS)
        training, evaluation = entry["training"], entry["evaluation"]
        rows.append(
            [
                SYSTEMS.get(name, name),
                f"{training['images_per_second']:.1f}",
                training["times_plain"],
                f"{evaluation['images_per_second']:.1f}",
                evaluation["times_plain"],
                shares,
            ]
        )
    head = ["system", "training, images/s", "x plain's time", "evaluation, images/s", "x plain's time", f"{' / '.join(PARTS)}, %"]
    return Table(head, rows, f"{study['device']}: medians of {len(study['rows'])} {many(len(study['rows']), 'repetition')}")


def largest_part(study: Study, name: str = "plain") -> str:
    """What a training step spends most of its time on."""
    shares = study["summary"][name]["share_of_step"]
    return max(PARTS, key=lambda part: shares[part])


def loading(found: Sequence[Study]) -> Paragraphs:
    """Whether reading the pictures or the network was slower, machine by machine."""
    said = []
    for study in found:
        entry = study.get("loading")
        if not entry:
            continue
        name, fastest = max(study["summary"].items(), key=lambda item: item[1]["training"]["images_per_second"])
        step, alone = fastest["training"]["images_per_second"], entry["images_per_second"]
        verdict = "the network is the limit" if alone >= step else "reading the pictures is the limit: more workers, or smaller files"
        hand = "worker alone hands" if entry["workers"] == 1 else "workers alone hand"
        said.append(
            f"{study['device']}: {entry['workers']} {hand} over {alone:.0f} images a second "
            f"({entry['picture'][0]} x {entry['picture'][1]} JPEG to {entry['size']} px); the fastest step, {SYSTEMS.get(name, name)}'s, "
            f"takes {step:.1f}. {alone / step:.1f} times as many: {verdict}."
        )
    return Paragraphs(said or ["How fast pictures are read was not measured on these machines." if found else ABSENT])


def line(sizes: Mapping[str, float]) -> tuple[float, float] | None:
    """(fixed MB, MB an image) of measured peaks by batch size, by least squares; None for fewer than two sizes."""
    points = [(float(batch), float(peak)) for batch, peak in sizes.items()]
    if len(points) < 2:
        return None
    middle = [sum(values) / len(points) for values in zip(*points, strict=True)]
    slope = sum((x - middle[0]) * (y - middle[1]) for x, y in points) / sum((x - middle[0]) ** 2 for x, _ in points)
    return middle[1] - slope * middle[0], slope


def memory(study: Study) -> Table | Paragraphs:
    """Measured peaks by batch size, and the line through them."""
    rows = []
    for name, sizes in study.get("memory", {}).items():
        fit = line(sizes)
        if fit:
            shown = ", ".join(f"{batch}: {peak / 1e3:.2f}" for batch, peak in sizes.items())
            rows.append([SYSTEMS.get(name, name), shown, f"{fit[0] / 1e3:.2f}", f"{fit[1]:.0f}"])
    if not rows:
        return Paragraphs([f"Peak memory by batch size was not measured on {study['device']}."])
    kind = "of the GPU" if on_gpu(study) else "of the whole process, Python and PyTorch included"
    return Table(["system", "peak in GB by batch size", "fixed, GB", "an image, MB"], rows, f"{study['device']}: memory {kind}")


def memory_chart(study: Study) -> Any:
    """The same as a chart: a line a batch size, a mark a system."""
    from workbench.widgets.plots import interval_chart  # plotly, which only this function needs

    points = [
        {
            "panel": study["device"],
            "row": f"batch {batch}",
            "series": SYSTEMS.get(name, name),
            "mean": peak / 1e3,
            "half_width": None,
        }
        for name, sizes in study.get("memory", {}).items()
        for batch, peak in sizes.items()
    ]
    if not points:
        return memory(study)
    return interval_chart(points, "peak memory of a training step, GB")


def full_shape(found: Sequence[Study]) -> Table | Paragraphs:
    """One step of each system at the papers' shape, with its peak memory."""
    rows = [
        [study["device"], SYSTEMS.get(name, name), entry["batch"], f"{entry['peak_mb'] / 1e3:.1f}", f"{entry['seconds']:.1f}"]
        for study in found
        for name, entry in study.get("smoke", {}).items()
    ]
    if not rows:
        return Paragraphs(["No step at the papers' shape (ResNet-101, 448 px, 80 labels) was measured on these machines."])
    head = ["machine", "system", "batch", "peak, GB", "first step, s"]
    return Table(head, rows, "One step with ResNet-101 at 448 px and 80 labels")


def compiled(found: Sequence[Study]) -> Table | Paragraphs:
    """What torch.compile made of a step: time beside the plain one, and the wait before the first."""
    rows = []
    for study in found:
        for name, entry in study.get("compiled", {}).items():
            if "error" in entry:
                rows.append([study["device"], SYSTEMS.get(name, name), "could not compile", None])
            else:
                rows.append([study["device"], SYSTEMS.get(name, name), entry["times_plain_step"], f"{entry['first_step_seconds']:.0f}"])
    if not rows:
        return Paragraphs(["torch.compile was not measured on these machines."])
    return Table(["machine", "system", "x the plain step's time", "wait at the first step, s"], rows, "Compiled training steps")
