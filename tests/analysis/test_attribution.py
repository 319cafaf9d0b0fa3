"""Captum's maps on a small model, against slow loops and their own laws; agreement, infidelity and sensitivity beside them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.squares import Squares
from workbench import Inspection, WorkbenchError
from workbench.analysis.agreement import agreement, top_area_iou
from workbench.analysis.attribution import TITLES, Attribution, add_attribution, attribute, attribution_maps, parse
from workbench.analysis.robustness import infidelity, random_patches, sensitivity
from workbench.capture import capture, subject_of

NAMES = ["red", "green", "blue"]
GRID = (8, 8)


class Net(nn.Module):
    """Two layers that are not linear together, and tokens of the first one's cells behind a class token."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 4, stride=4)
        self.tokens = nn.Identity()
        self.second = nn.Linear(6, 3)

    def forward(self, images):
        cells = self.first(images).relu().flatten(2).transpose(1, 2)  # [B, 64, 6]
        tokens = self.tokens(torch.cat([cells.mean(dim=1, keepdim=True), cells], dim=1))
        return self.second(tokens[:, 1:].amax(dim=1) + tokens[:, 1:].mean(dim=1))


@pytest.fixture(scope="module")
def subject():
    torch.manual_seed(0)
    return subject_of(Net().eval(), lambda model, images: {"own": model.first(images)[:, :3]}, categories=NAMES, size=32)


@pytest.fixture(scope="module")
def pictures():
    return torch.from_numpy(Squares(5).pixels(32).copy()).permute(0, 3, 1, 2).float() / 255


LABELS = torch.tensor([0, 1, 2, 1, 0])


def score(subject, pictures, labels):
    return subject.module(pictures)[torch.arange(len(pictures)), labels].detach()


def mean_colour(pictures):
    return pictures.mean(dim=(2, 3), keepdim=True).expand_as(pictures)


def test_integrated_gradients_add_up_to_the_difference_of_the_scores(subject, pictures):
    maps = attribute(subject, Attribution("integrated_gradients", grid=GRID, steps=200), pictures, LABELS)
    difference = score(subject, pictures, LABELS) - score(subject, mean_colour(pictures), LABELS)
    assert maps.shape == (5, 8, 8)
    torch.testing.assert_close(maps.sum((1, 2)), difference, atol=5e-3, rtol=0)


def test_a_difference_of_labels_is_the_difference_of_their_maps(subject, pictures):
    plain = Attribution("integrated_gradients", grid=GRID)
    against = Attribution("integrated_gradients", grid=GRID, label="red", against="blue")
    red, blue = (torch.full((5,), label) for label in (0, 2))
    expected = attribute(subject, plain, pictures, red) - attribute(subject, plain, pictures, blue)
    torch.testing.assert_close(attribute(subject, against, pictures, red), expected, atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(attribute(subject, against, pictures, blue), -expected, atol=1e-5, rtol=1e-3)
    with pytest.raises(WorkbenchError, match="of red less blue; ask for one of the two"):
        attribute(subject, against, pictures, LABELS)


def test_feature_ablation_equals_painting_cell_by_cell(subject, pictures):
    maps = attribute(subject, Attribution("feature_ablation", grid=(4, 4)), pictures, LABELS)
    for row in range(4):
        for column in range(4):
            shown = pictures.clone()
            part = (slice(None), slice(None), slice(8 * row, 8 * row + 8), slice(8 * column, 8 * column + 8))
            shown[part] = mean_colour(pictures)[part]
            fall = score(subject, pictures, LABELS) - score(subject, shown, LABELS)
            torch.testing.assert_close(maps[:, row, column], fall, atol=1e-5, rtol=0)


def test_occlusion_equals_moving_a_window(subject, pictures):
    maps = attribute(subject, Attribution("occlusion", grid=(4, 4)), pictures, LABELS)
    total, often = torch.zeros(5, 32, 32), torch.zeros(32, 32)
    for top in range(0, 17, 8):
        for left in range(0, 17, 8):
            part = (slice(None), slice(None), slice(top, top + 16), slice(left, left + 16))
            shown = pictures.clone()
            shown[part] = mean_colour(pictures)[part]
            total[:, top : top + 16, left : left + 16] += (score(subject, pictures, LABELS) - score(subject, shown, LABELS))[:, None, None]
            often[top : top + 16, left : left + 16] += 1
    expected = (total / often).reshape(5, 4, 8, 4, 8).mean((2, 4))
    torch.testing.assert_close(maps, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("layer", ["first", "tokens"])
def test_grad_cam_equals_its_formula_on_maps_and_on_tokens(subject, pictures, layer):
    kept = {}
    handle = getattr(subject.module, layer).register_forward_hook(lambda _module, _inputs, out: kept.update(out=out))
    logits = subject.module(pictures)[torch.arange(5), LABELS].sum()
    handle.remove()
    (gradient,) = torch.autograd.grad(logits, kept["out"])
    if layer == "first":
        expected = (gradient.mean((2, 3), keepdim=True) * kept["out"]).sum(1).relu()
    else:
        cells, slope = kept["out"][:, 1:], gradient[:, 1:]
        expected = (slope.mean(1, keepdim=True) * cells).sum(2).reshape(5, 8, 8).relu()
    assert expected.abs().sum() > 0
    found = attribute(subject, Attribution("grad_cam", layer=layer), pictures, LABELS)
    torch.testing.assert_close(found, expected.detach(), atol=1e-6, rtol=1e-4)


def test_layers_that_give_no_map_are_told_apart(subject, pictures):
    with pytest.raises(WorkbenchError, match=r'no layer "frist".*Did you mean "first"'):
        attribute(subject, Attribution("grad_cam", layer="frist"), pictures, LABELS)
    with pytest.raises(WorkbenchError, match="Grad-CAM needs a layer"):
        add_attribution(subject, Attribution("grad_cam"))
    with pytest.raises(WorkbenchError, match=r'"second" gives \[.*\] for 5 images of 32 x 32: no maps'):
        attribute(subject, Attribution("grad_cam", layer="second"), pictures, LABELS)
    with pytest.raises(WorkbenchError, match="Did you mean"):
        parse("integrated_gradient")
    with pytest.raises(WorkbenchError, match="finer than the picture"):
        attribute(subject, Attribution("integrated_gradients", grid=(64, 64)), pictures, LABELS)
    with pytest.raises(WorkbenchError, match="needs two labels"):
        Attribution("occlusion", label="red")


def test_what_an_archive_keeps(subject):
    squares = Squares(6)
    inspection = Inspection.of(capture(subject, squares))
    values, labels = attribution_maps(subject, Attribution("feature_ablation", grid=(4, 4)), squares, inspection, top_labels=1)
    for image in range(6):
        kept = [label for label in labels[image].tolist() if label >= 0]
        present = set(np.flatnonzero(squares.targets[image] == 1).tolist())
        assert set(kept[: len(present)]) == present
        assert len(kept) == min(3, len(present) + 1)
    pictures = torch.from_numpy(squares.pixels(32)[:1].copy()).permute(0, 3, 1, 2).float() / 255
    expected = attribute(subject, Attribution("feature_ablation", grid=(4, 4)), pictures, torch.tensor([int(labels[0, 0])]))[0]
    np.testing.assert_allclose(values[0, 0].astype(np.float32), expected.numpy(), atol=1e-3)
    pair = attribution_maps(subject, Attribution("feature_ablation", grid=(4, 4), label="red", against="blue"), squares, inspection)
    assert pair[1].tolist() == [[0, 2]] * 6
    np.testing.assert_array_equal(pair[0][:, 0], -pair[0][:, 1])


def test_grad_cam_of_all_labels_takes_one_forward_pass_a_batch(subject):
    squares = Squares(6)
    inspection = Inspection.of(capture(subject, squares))
    wanted = Attribution("grad_cam", layer="first")
    passes = []
    handle = subject.module.register_forward_hook(lambda module, inputs, output: passes.append(len(inputs[0])))
    add_attribution(subject, wanted)
    established = len(passes)
    values, labels = attribution_maps(subject, wanted, squares, inspection, top_labels=2)
    handle.remove()
    # After the layout was established once more: one batch of all images, and two of the questions whose map is zero everywhere.
    empty = int((values[labels >= 0] == 0).all(axis=(1, 2)).sum())
    assert passes[2 * established :] == [6, *[empty] * 2 * (empty > 0)]
    pixels = torch.from_numpy(squares.pixels(32).copy()).permute(0, 3, 1, 2).float() / 255
    for place in range(labels.shape[1]):
        images = np.flatnonzero(labels[:, place] >= 0)
        expected = attribute(subject, wanted, pixels[images], torch.from_numpy(labels[images, place].astype(np.int64)))
        np.testing.assert_allclose(values[images, place], expected.numpy(), rtol=1e-5, atol=1e-7)
    assert not values[labels < 0].any()
    del subject.explain[wanted.name]


def test_every_method_has_a_declaration_that_an_explorer_can_draw():
    for method in TITLES:
        kind = Attribution(method, layer="first" if method == "grad_cam" else None).kind("model")
        assert kind.name.startswith(method)
        assert kind.meaning.endswith(".")


def test_agreement_of_a_map_with_itself_its_opposite_and_noise(subject):
    squares = Squares(12)
    contents = capture(subject, squares)
    noise = np.random.default_rng(0).normal(size=(12, 3, 8, 8))
    contents.maps = {"one": noise, "same": noise * 3, "opposite": -noise, "other": np.random.default_rng(1).normal(size=(12, 3, 8, 8))}
    contents.map_kinds = [type(contents.map_kinds[0])(name, name, "a map", "signed") for name in contents.maps]
    found = agreement(Inspection.of(contents))["agreement"]
    one = found["one"]["with"]
    assert one["same"] == {"rank_correlation": pytest.approx(1, abs=1e-3), "top_area_iou": pytest.approx(1)}
    assert one["opposite"]["rank_correlation"] == pytest.approx(-1, abs=1e-3)
    assert one["opposite"]["top_area_iou"] == 0
    assert abs(one["other"]["rank_correlation"]) < 0.1
    assert one["other"]["top_area_iou"] == pytest.approx(0.2 / 1.8, abs=0.05)
    assert found["one"]["overall"] == pytest.approx(np.mean([entry["rank_correlation"] for entry in one.values()]), abs=0.05)
    assert top_area_iou(np.array([[3.0, 2, 1, 0]]), np.array([[3.0, 0, 2, 1]]), share=0.5)[0] == pytest.approx(1 / 3)


def test_infidelity_equals_a_loop(subject):
    pictures = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(2))
    maps = torch.rand(5, 32, 32, generator=torch.Generator().manual_seed(0)) - 0.3
    found = infidelity(subject, pictures, LABELS, maps, patches=6)
    random = np.random.default_rng(0)
    masks = random_patches(random, 30, (32, 32)).reshape(5, 6, 32, 32)
    for k in range(5):
        said, fell = [], []
        for mask in masks[k]:
            shown = torch.where(mask, mean_colour(pictures)[k], pictures[k])
            both = subject.module(torch.stack([pictures[k], shown])).detach()[:, LABELS[k]]
            said.append(float((maps[k] * mask).sum()))
            fell.append(float(both[0] - both[1]))
        said, fell = np.array(said), np.array(fell)
        factor = (said * fell).sum() / (said**2).sum()
        assert found[k].item() == pytest.approx(((factor * said - fell) ** 2).sum() / (fell**2).sum(), rel=1e-3, abs=1e-5)


def test_infidelity_knows_a_map_that_says_all_from_one_that_says_nothing():
    pictures = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(1))

    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)))

        def forward(self, images):
            return (self.weight * images).sum((1, 2, 3))[:, None].expand(-1, 3)

    subject = subject_of(Sum(), lambda model, images: {}, categories=NAMES, size=32)
    exact = (subject.module.weight * (pictures - mean_colour(pictures))).sum(1).detach()
    assert infidelity(subject, pictures, LABELS, exact).max() < 1e-3
    assert infidelity(subject, pictures, LABELS, torch.zeros(5, 32, 32)).tolist() == [1] * 5


def test_sensitivity_is_nothing_for_a_map_that_stays_and_something_for_one_that_flickers(pictures):
    assert sensitivity(lambda images, labels: torch.ones(len(images), 4, 4), pictures, LABELS).tolist() == [0] * 5
    state = torch.random.get_rng_state()
    flickering = sensitivity(lambda images, labels: (1e4 * images.mean(1)).sin(), pictures, LABELS)
    assert flickering.min() > 0.5
    assert torch.equal(torch.random.get_rng_state(), state)
