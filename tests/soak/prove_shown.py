"""Damaged archives through every explorer, still picture and exported page: what opens is shown, or refused in one sentence."""

import json
import random
import re
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.soak.registry import proof
from tests.support.archives import make_contents
from tests.support.damage import Watch, damaged_data, damaged_tensors
from tests.support.embedded import embed
from tests.support.layered import make_layered_contents
from workbench.errors import WorkbenchError
from workbench.inspection import Inspection
from workbench.widgets import AttentionExplorer, EmbeddingExplorer, LabelExplorer, ThresholdLab

ARCHIVES = {
    "srn": lambda: make_contents(3, 4, picture=(24, 24), top=2),
    "layered": lambda: make_layered_contents(3, 4, picture=(24, 24), with_channels=1),
    "points": lambda: embed(make_contents(6, 3, picture=(24, 24)), 2),
}
EXPLORERS = (AttentionExplorer, LabelExplorer, EmbeddingExplorer, ThresholdLab)


def shown(path):
    """Every explorer of an archive that opens: its still picture and its page, with every image of it. How many could be made."""
    inspection = Inspection.open(path)
    made, sentences = 0, []
    for explorer in EXPLORERS:
        try:
            widget = explorer(inspection)
            for value in widget.get_state().values():
                if isinstance(value, dict | list):
                    json.dumps(value, allow_nan=False, default=lambda held: None)
            widget.snapshot()
            page = widget.export_html(path.with_suffix(".html"))
            (content,) = re.findall(r'id="content">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
            json.loads(content, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
            made += 1
        except WorkbenchError as error:
            sentences.append(str(error))
    wrong = [sentence for sentence in sentences if len(sentence.splitlines()) != 1 or len(sentence) > 1500]
    assert not wrong, wrong[0]
    return made


@proof(whole=2000, sample=45, piece=100, marks=("slow",))
def damaged_archives_in_explorers(seed, count):
    """A damaged archive is refused at opening, or every explorer, still picture and page shows it or says in one sentence why not."""
    rng = random.Random(f"shown {seed}")
    opened = refused = 0
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), np.errstate(all="ignore"), Watch() as watch:
        warnings.simplefilter("ignore")
        path = Path(folder) / "archive.safetensors"
        whole = {name: make().save(path).read_bytes() for name, make in ARCHIVES.items()}
        for case in range(count):
            content = whole[rng.choice(sorted(whole))]
            changed = damaged_tensors(rng, content, "inspection") if rng.random() < 0.5 else damaged_data(rng, content)
            path.write_bytes(changed)
            try:
                watch.read(shown, path)
                opened += 1
            except WorkbenchError:
                refused += 1
            except Exception as error:
                header = changed[8:3000]
                pytest.fail(f"case {case}: {type(error).__name__}: {str(error)[:300]} from {header!r}")
    return {"opened": opened, "refused": refused}
