"""SRN against a forward of plain NumPy loops, in every intermediate."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from workbench.losses import bce
from workbench.models import create_model

REFERENCE = dict(np.load(Path(__file__).parent / "data" / "srn_forward.npz"))
PLACES = {
    "w_att1": "attention.scores.0",
    "w_att2": "attention.scores.2",
    "w_att3": "attention.scores.4",
    "w_conf": "attention.confidence.0",
    "w_sr1": "regularisation.sr1.0",
    "w_sr2": "regularisation.sr2.0",
    "w_sr3": "regularisation.sr3.0",
    "w_fc": "regularisation.fc",
}


def reference(name: str) -> Tensor:
    return torch.from_numpy(REFERENCE[name])


@pytest.fixture(scope="module")
def model():
    """The model of the file on a backbone whose X has the file's 24 channels; y_cls is given, so the backbone never runs."""
    torch.manual_seed(0)
    names = [f"label {number}" for number in range(6)]
    model = create_model("srn", names, normalisation="none", attention_width=16, hidden=8, kernels=4, grid=(7, 7))
    from workbench.models.srn_branch import AttentionNet

    model.attention = AttentionNet(24, 16, 6, normalise=False)
    model = model.double().eval()
    state = {f"{place}.{leaf}": reference(f"{name}.{leaf}") for name, place in PLACES.items() for leaf in ("weight", "bias")}
    _, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected
    own = {name for name in model.state_dict() if name.startswith(("attention.", "regularisation."))}
    assert own == set(state), "the branch has a parameter that the reference does not know"
    return model


@pytest.fixture(scope="module")
def out(model):
    # Hooks that copy: the ReLUs work in place.
    seen = {}
    handles = [
        model.attention.scores[place].register_forward_hook(lambda _m, _i, o, name=name: seen.update({name: o.clone()}))
        for name, place in (("att1", 1), ("att2", 3))
    ]
    with torch.no_grad():
        sr, out = model.branch(reference("X"))
    for handle in handles:
        handle.remove()
    return {**out, **seen, "logits.sr": sr, "logits.final": 0.5 * reference("y_cls") + 0.5 * sr}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("att1", "att1"),
        ("att2", "att2"),
        ("attention_scores", "Z"),
        ("maps.attention", "A"),
        ("maps.confidence", "S"),
        ("logits.att", "y_att"),
        ("maps.weighted", "U"),
        ("sr1", "sr1"),
        ("sr2", "sr2"),
        ("sr3", "sr3"),
        ("logits.sr", "y_sr"),
        ("logits.final", "y_hat"),
    ],
)
def test_every_intermediate_agrees(out, ours, theirs):
    assert out[ours].dtype == torch.float64
    torch.testing.assert_close(out[ours], reference(theirs), rtol=0, atol=1e-6)


def test_the_whole_forward_gives_the_same_result(model, out, monkeypatch):
    """Through `forward`, with a backbone that returns the file's X and a last stage that the classifier turns into its y_cls."""
    top = torch.randn(2, 128, 4, 4, dtype=torch.float64)
    monkeypatch.setattr(model.backbone, "forward", lambda _images: [None, None, reference("X"), top])
    monkeypatch.setattr(model.fc, "forward", lambda pooled: reference("y_cls") + 0 * pooled[:, :6])
    with torch.no_grad():
        logits, whole = model(None)
    torch.testing.assert_close(logits, reference("y_hat"), rtol=0, atol=1e-6)
    torch.testing.assert_close(whole["logits.final"], logits)
    torch.testing.assert_close(whole["maps.weighted"], reference("U"), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("logits", "loss"), [("y_cls", "loss_cls"), ("y_sr", "loss_sr"), ("y_att", "loss_att"), ("y_hat", "loss_hat")])
def test_losses_agree(logits, loss):
    ours = bce(reference(logits), reference("targets"))
    torch.testing.assert_close(ours, reference(loss), rtol=0, atol=1e-6)


def test_features_are_x_pooled_by_the_attention(out):
    a, x = REFERENCE["A"], REFERENCE["X"]
    expected = np.zeros((2, 6, 24))
    for image in range(2):
        for label in range(6):
            for row in range(7):
                for column in range(7):
                    expected[image, label] += a[image, label, row, column] * x[image, :, row, column]
    torch.testing.assert_close(out["features"], torch.from_numpy(expected), rtol=0, atol=1e-12)
