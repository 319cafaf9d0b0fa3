import pytest
import torch

from tests.training.colored_blocks import load_blocks


@pytest.fixture(autouse=True, scope="module")
def blocks():
    """The data set "blocks" for `load_dataset`, and one thread: these networks are too small for more."""
    import workbench.datasets

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbench.datasets, "load_dataset", load_blocks)
        yield
    torch.set_num_threads(before)
