"""Scores of a model: logits or probabilities, numbers or not, followed by something or by nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.net import NAMES, SIZE, Net, made, seeded
from tests.support.squares import Squares
from workbench import WorkbenchError, inspect, predictor
from workbench.foreign import to_logits
from workbench.metrics import evaluate


@pytest.fixture(scope="module")
def plain():
    return made(seeded())


# logits and probabilities


def test_probabilities_are_doubted_and_then_honoured(plain):
    ends = seeded(wrap=lambda features, logits: logits.sigmoid())
    with pytest.warns(UserWarning, match=r'all lie between 0 and 1; pass scores="probabilities"'):
        made(ends)
    found = made(ends, scores="probabilities")
    np.testing.assert_allclose(found.logits(), plain.logits(), atol=1e-4)
    np.testing.assert_allclose(found.probabilities(), plain.probabilities(), atol=1e-5)
    assert found.provenance["scores"] == "probabilities"
    with pytest.warns(UserWarning, match="add up to 1, as after a softmax"):
        made(seeded(wrap=lambda features, logits: logits.softmax(1)))
    made(ends, scores="logits")  # no warning
    with pytest.raises(WorkbenchError, match=r"the model gave .*these are logits"):
        made(seeded(), scores="probabilities")
    with pytest.raises(WorkbenchError, match='no scores "probs"'):
        made(ends, scores="probs")
    with pytest.warns(UserWarning, match="all lie between 0 and 1"):
        predictor(ends, categories=NAMES, size=SIZE)
    logits, _ = predictor(ends, "last", categories=NAMES, size=SIZE, scores="probabilities")(Squares(4).pixels(SIZE))
    np.testing.assert_allclose(logits, plain.logits(), atol=1e-4)


def test_evaluation_of_probabilities_is_that_of_their_logits():
    random = np.random.default_rng(0)
    targets = (random.random((60, 3)) < 0.4).astype(np.int8)
    logits = random.normal(size=(60, 3)) * 2 + 2 * targets - 1
    chances = 1 / (1 + np.exp(-logits))
    for preset in ("sklearn", "mlgcn", "srn", "msrn"):
        expected = evaluate(logits, targets, NAMES, preset)
        found = evaluate(chances, targets, NAMES, preset, scores="probabilities")
        assert found["all"] == pytest.approx(expected["all"], abs=1e-12)
        assert found["mAP"] == pytest.approx(expected["mAP"], abs=1e-12)
        assert found["calibration"]["ECE"] == pytest.approx(expected["calibration"]["ECE"], abs=1e-9)
    with pytest.warns(UserWarning, match=r'scores="probabilities"'):
        evaluate(chances, targets, NAMES)
    with pytest.raises(WorkbenchError, match="said to be probabilities, but one is"):
        evaluate(logits, targets, NAMES, scores="probabilities")


def test_zero_and_one_are_probabilities_too():
    found = to_logits(torch.tensor([0.0, 0.5, 1.0, float("nan")]))
    assert found[:3].tolist() == pytest.approx([-87.3, 0, 17.3], abs=0.1)
    assert bool(found[3].isnan())


# scores that are not numbers, and pictures that no score follows


def test_scores_that_are_not_numbers_have_a_sentence_of_their_own():
    broken = seeded()
    with torch.no_grad():
        broken.head.weight[0, 0] = torch.nan
    with pytest.raises(WorkbenchError, match=r'NaN for every image; the weights "head\.weight" hold NaN'):
        made(broken, maps=None, attributions=["occlusion"])
    picky = seeded(wrap=lambda features, logits: logits)

    def prepare(images):
        return torch.where(images.std(dim=(1, 2, 3), keepdim=True) > 0, images, torch.nan)

    pictures = [Squares(2).image(0), np.zeros((8, 8, 3), np.uint8), Squares(2).image(1)]
    with pytest.warns(UserWarning, match=r"NaN for 1 of 3 images \(image 1\)"):
        found = inspect(picky, pictures, maps="last", categories=NAMES, size=SIZE, prepare=prepare)
    assert np.isnan(found.logits()[1]).all()
    assert np.isfinite(found.logits()[[0, 2]]).all()
    assert found.measurements["accuracy"]["images"] == 2


class Dead(Net):
    """Without biases: a black picture switches every unit off."""

    def __init__(self):
        super().__init__()
        self.norm, self.first.bias = nn.Identity(), None
        self.last.bias = None

    def forward(self, images):
        return self.head(self.last(self.act(self.first(images))).relu().mean((2, 3)))


def test_a_picture_that_no_score_follows_does_not_end_the_inspection():
    torch.manual_seed(0)
    model = Dead()
    black = np.zeros((8, 8, 3), np.uint8)
    with pytest.warns(UserWarning, match='In 1 of 2 images the score of a label does not follow the cells of "act"'):
        found = inspect(model, [Squares(1).image(0), black], maps="act", categories=NAMES, size=SIZE, measure=False)
    assert found.maps("grad_cam.act", 1)[1].max() == 0
    assert found.maps("grad_cam.act", 0)[1].max() > 0
    with pytest.raises(WorkbenchError, match="nor the pictures themselves"):
        inspect(model, [black, black], maps="act", categories=NAMES, size=SIZE, measure=False)
