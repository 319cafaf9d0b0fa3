import pytest
import torch
from colored_blocks import load_blocks


@pytest.fixture(autouse=True)
def blocks(monkeypatch):
    """The data set "blocks" for `load_dataset`, and one thread: these networks are too small for more."""
    import workbench.datasets

    monkeypatch.setattr(workbench.datasets, "load_dataset", load_blocks)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
