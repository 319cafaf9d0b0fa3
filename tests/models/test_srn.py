"""What must hold for SRN whatever its weights, and one test for each mistake that public ports make."""

import copy

import pytest
import torch
from torch import nn

from tests.support.models import NAMES, pictures, settled
from workbench.errors import WorkbenchError
from workbench.losses import bce
from workbench.models import create_model
from workbench.models.srn_branch import AttentionNet, RegularisationNet, attend, overlap, resample

VARIANTS = [
    {"variant": variant, "normalisation": normalisation}
    for variant in ("paper", "released")
    for normalisation in ("batch", "scale", "none")
]


@pytest.fixture(params=VARIANTS, ids=lambda options: "-".join(options.values()))
def model(request):
    return settled("srn", **request.param)


def branch_size(model):
    return sum(parameter.numel() for module in (model.attention, model.regularisation) for parameter in module.parameters())


# --- invariants ---


def test_attention_sums_to_one_for_each_label(model):
    out = model(pictures(3))[1]
    torch.testing.assert_close(out["maps.attention"].sum((2, 3)), torch.ones(3, len(NAMES)), rtol=0, atol=1e-5)
    assert out["maps.attention"].shape == (3, len(NAMES), 8, 8)


def test_y_att_is_a_linear_classifier_on_the_attention_pooled_feature():
    model = settled("srn")
    out = model(pictures(3))[1]
    layer = model.attention.confidence[0]
    expected = torch.einsum("bcd,cd->bc", out["features"], layer.weight[:, :, 0, 0]) + layer.bias
    torch.testing.assert_close(out["logits.att"], expected, rtol=0, atol=1e-5)


def test_the_released_form_pools_what_its_second_layer_sees():
    model = settled("srn", variant="released")
    x = model.backbone(pictures(3))[-2]
    out = model.branch(x)[1]
    hidden = model.attention.confidence[:-1](model.attention.shared(x))
    pooled = torch.einsum("bcp,bdp->bcd", out["maps.attention"].flatten(2), hidden.flatten(2))
    layer = model.attention.confidence[-1]
    expected = torch.einsum("bcd,cd->bc", pooled, layer.weight[:, :, 0, 0]) + layer.bias
    torch.testing.assert_close(out["logits.att"], expected, rtol=0, atol=1e-5)


def test_each_position_pattern_sees_one_channel_only():
    net = RegularisationNet(len(NAMES), hidden=6, kernels=4, grid=(5, 7)).eval()
    convolution = net.sr3[0]
    for channel in range(6):
        maps = torch.zeros(1, 6, 5, 7)
        maps[0, channel] = torch.randn(5, 7)
        moved = convolution(maps).flatten().nonzero().flatten()
        assert moved.tolist() == [4 * channel, 4 * channel + 1, 4 * channel + 2, 4 * channel + 3]


def test_position_patterns_cover_the_grid_without_padding(model):
    convolution = model.regularisation.sr3[0]
    assert convolution.kernel_size == (8, 8)
    assert convolution.padding == (0, 0)
    assert model(pictures())[1]["sr3"].shape == (2, convolution.out_channels)


def test_an_image_alone_equals_the_image_in_a_batch(model):
    images = pictures(8)
    together, alone = model(images)[1], model(images[5:6])[1]
    for key in together:
        torch.testing.assert_close(alone[key][0], together[key][5], rtol=1e-4, atol=1e-5, msg=lambda text, key=key: f"{key}: {text}")


@pytest.mark.parametrize("trained", ["trunk", "classifier", "attention", "regularisation"])
def test_a_step_on_one_part_changes_that_part_only(trained):
    """As a stage does it: the others neither require a gradient nor count batches."""
    model = create_model("srn", NAMES)
    for part, modules in model.parts.items():
        for module in modules:
            module.requires_grad_(part == trained).train(part == trained)
    before = copy.deepcopy(model.state_dict())
    optimiser = torch.optim.SGD([parameter for parameter in model.parameters() if parameter.requires_grad], lr=0.1, weight_decay=0.1)
    _, out = model(pictures(4))
    targets = torch.tensor([[1, 0, 1, 0, 1]] * 4, dtype=torch.int8)
    sum(bce(out[f"logits.{name}"], targets) for name in ("cls", "att", "sr")).backward()
    optimiser.step()
    names = {id(module): name for name, module in model.named_modules()}
    mine = tuple(f"{names[id(module)]}." for module in model.parts[trained])
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]) != key.startswith(mine), key


@pytest.mark.parametrize(("variant", "millions"), [("paper", 3.88), ("released", 6.6)])
def test_parameter_counts_of_the_paper_on_a_resnet(variant, millions):
    """C = 80, X of 1024 channels on 14x14."""
    normalise = variant == "released"
    attention = AttentionNet(1024, 512, 80, variant, normalise)
    regularisation = RegularisationNet(80, 512, 4, (14, 14), normalise)
    count = sum(parameter.numel() for net in (attention, regularisation) for parameter in net.parameters())
    assert count / 1e6 == pytest.approx(millions, abs=0.005 if variant == "paper" else 0.05)


def test_defaults_on_a_resnet_are_the_papers():
    names = [f"label {number}" for number in range(80)]
    model = create_model("srn", names, "resnet50", image_size=224, normalisation="none")
    assert branch_size(model) == 3_879_152
    assert model.regularisation.grid == (14, 14)
    assert create_model("srn", names, "resnet18", image_size=448).regularisation.grid == (28, 28)


# --- mistakes in public ports ---


def test_groups_are_as_many_as_channels(model):
    convolution = model.regularisation.sr3[0]
    assert convolution.groups == convolution.in_channels
    assert convolution.weight.shape[1] == 1


def test_softmax_stays_inside_an_image_and_a_label():
    scores = torch.randn(4, 3, 5, 5)
    whole = attend(scores)
    for image in range(4):
        for label in range(3):
            torch.testing.assert_close(whole[image, label], torch.exp(scores[image, label]) / torch.exp(scores[image, label]).sum())


def test_the_sigmoid_is_taken_of_the_confidence_before_the_product(model):
    out = model(pictures())[1]
    torch.testing.assert_close(out["maps.weighted"], out["maps.attention"] * torch.sigmoid(out["maps.confidence"]))
    assert (out["maps.weighted"].sum((2, 3)) < 1).all()


def test_a_rectifier_stands_between_all_convolutions_and_not_after_the_scores(model):
    seen = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and name.startswith(("attention", "regularisation")):
            module.register_forward_pre_hook(lambda _m, inputs, name=name: seen.update({name: inputs[0].min()}))
    out = model(pictures(8))[1]
    first = "regularisation.sr1.0"  # it reads U, which is a product of positive things
    assert len(seen) >= 7
    assert all(lowest >= 0 for name, lowest in seen.items() if name != first)
    assert min(out[name].min() for name in ("sr1", "sr2", "sr3")) == 0
    assert out["attention_scores"].min() < 0
    assert out["maps.confidence"].min() < 0


def test_large_scores_do_not_overflow():
    scores = torch.zeros(1, 2, 4, 4)
    scores[0, 0, 1, 1] = 1e4
    scores[0, 1] = -1e4
    attention = attend(scores)
    assert attention.isfinite().all()
    assert attention[0, 0, 1, 1] == 1
    torch.testing.assert_close(attention[0, 1], torch.full((4, 4), 1 / 16))


def test_the_result_is_the_mean_of_two_logits_and_knows_nothing_of_y_att(model):
    images = pictures()
    logits, out = model(images)
    torch.testing.assert_close(logits, (out["logits.cls"] + out["logits.sr"]) / 2)
    (gradient,) = torch.autograd.grad(logits.sum(), out["logits.att"], allow_unused=True)
    assert gradient is None


@pytest.mark.parametrize(
    ("logits", "untouched"),
    [
        ("logits.cls", ("attention", "regularisation")),
        ("logits.att", ("backbone.stages.3", "fc", "regularisation")),
        ("logits.sr", ("backbone.stages.3", "fc.")),
        ("logits.final", ()),
    ],
)
def test_each_loss_reaches_the_trunk_and_what_its_logits_come_from(logits, untouched):
    model = create_model("srn", NAMES)
    _, out = model(pictures(4))
    bce(out[logits], torch.ones(4, 5, dtype=torch.int8)).backward()
    for name, parameter in model.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        assert reached != name.startswith(untouched or ("nothing",)), name


def test_forward_writes_no_file(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model(pictures())
    assert not list(tmp_path.iterdir())


# --- the start: y_sr must differ between images ---


def test_with_normalisation_or_scale_the_fresh_y_sr_is_no_constant():
    """U averages 1 / (2 P): without a remedy a fresh y_sr barely moves from one image to the next."""

    def spread(**options):
        model = create_model("srn", [f"label {number}" for number in range(20)], **options).train()
        return model(pictures(16))[1]["logits.sr"].detach().std(0).mean().item()

    assert spread(normalisation="none") < 1e-3
    assert spread(normalisation="scale") > 10 * spread(normalisation="none")
    assert spread() > 0.02


# --- gates ---


def test_the_controls_have_exactly_the_same_parameters():
    shapes = [
        {key: tuple(value.shape) for key, value in settled("srn", gate=gate).state_dict().items()}
        for gate in ("attention", "shuffled", "none")
    ]
    assert shapes[0] == shapes[1] == shapes[2]


def test_the_matched_control_has_neither_softmax_nor_sigmoid_nor_supervision():
    model = settled("srn", gate="none")
    _, out = model(pictures())
    torch.testing.assert_close(out["maps.weighted"], out["attention_scores"] + out["maps.confidence"])
    assert "logits.att" not in out
    assert "att" not in [kind.name for kind in model.logit_kinds]
    assert [kind.name for kind in model.map_kinds] == ["weighted"]


def test_shuffling_moves_cells_and_keeps_labels_together():
    model = settled("srn", gate="shuffled")
    weighted = model(pictures(4))[1]["maps.weighted"]
    for training in (True, False):
        moved = model.train(training)._shuffled(weighted)
        assert not torch.equal(moved, weighted)
        for image in range(4):
            before = {tuple(cell) for cell in weighted[image].flatten(1).T.tolist()}
            assert {tuple(cell) for cell in moved[image].flatten(1).T.tolist()} == before


def test_shuffling_draws_anew_for_each_image_in_training_and_never_changes_in_evaluation():
    model = settled("srn", gate="shuffled")
    ramp = torch.arange(64.0).view(1, 1, 8, 8).expand(6, len(NAMES), 8, 8)
    training = model.train()._shuffled(ramp)[:, 0].flatten(1)
    assert len({tuple(order) for order in training.tolist()}) == 6
    model.eval()
    first = model._shuffled(ramp)
    torch.rand(7)  # the global generator must not matter
    assert torch.equal(first, model._shuffled(ramp))
    assert torch.equal(first, settled("srn", gate="shuffled", seed=3)._shuffled(ramp))
    assert not torch.equal(first, settled("srn", gate="shuffled", shuffle_seed=1)._shuffled(ramp))


def test_shuffled_regularisation_reads_the_same_maps_that_are_shown():
    plain, shuffled = settled("srn"), settled("srn", gate="shuffled")
    shuffled.load_state_dict(plain.state_dict())
    images = pictures()
    ours, theirs = plain(images)[1], shuffled(images)[1]
    torch.testing.assert_close(ours["maps.weighted"], theirs["maps.weighted"])
    assert not torch.allclose(ours["logits.sr"], theirs["logits.sr"])


# --- other image sizes ---


@pytest.mark.parametrize("old", [(8, 8), (16, 24), (9, 13), (4, 4), (5, 8)])
def test_another_grid_keeps_the_mass(old):
    maps = torch.rand(2, 3, *old, dtype=torch.float64)
    moved = resample(maps, (8, 8))
    assert moved.shape == (2, 3, 8, 8)
    torch.testing.assert_close(moved.sum((2, 3)), maps.sum((2, 3)))
    torch.testing.assert_close(resample(maps, (8, 8), keep="mean").mean((2, 3)), maps.mean((2, 3)))


def test_whole_multiples_are_adaptive_average_pooling():
    maps = torch.rand(2, 3, 24, 16, dtype=torch.float64)
    pooled = nn.functional.adaptive_avg_pool2d(maps, (8, 8))
    torch.testing.assert_close(resample(maps, (8, 8)), 6 * pooled)
    torch.testing.assert_close(resample(maps, (8, 8), keep="mean"), pooled)


def test_overlap_of_three_cells_and_two_bins_by_hand():
    torch.testing.assert_close(overlap(3, 2, torch.zeros(())), torch.tensor([[1, 0.5, 0], [0, 0.5, 1]]))


@pytest.mark.parametrize("gate", ["attention", "shuffled", "none"])
@pytest.mark.parametrize("size", [(64, 64), (96, 96), (63, 130), (48, 64)])
def test_other_input_sizes_pass(gate, size):
    model = settled("srn", gate=gate)
    logits, out = model(pictures(2, *size))
    grid = (-(-size[0] // 8), -(-size[1] // 8))
    assert logits.shape == (2, len(NAMES))
    assert out["maps.weighted"].shape[2:] == grid
    assert out["sr1"].shape[2:] == (8, 8)


def test_the_regularisation_reads_all_the_mass_at_another_size_and_the_scale_is_that_of_its_own_grid():
    for normalisation, factor in (("batch", 1), ("scale", 64)):
        model = settled("srn", normalisation=normalisation)
        read = []
        model.regularisation.register_forward_pre_hook(lambda _m, inputs, read=read: read.append(inputs[0]))
        weighted = model(pictures(2, 128, 96))[1]["maps.weighted"]
        assert weighted.shape[2:] == (16, 12)
        torch.testing.assert_close(read[0].sum((2, 3)), factor * weighted.sum((2, 3)))


# --- relations ---


@pytest.mark.parametrize("gate", ["attention", "shuffled", "none"])
def test_relations_are_gradient_times_input(gate):
    model = settled("srn", gate=gate).double()
    images = pictures(3).double()
    found = model.relations(images)["regularisation"]
    assert found.shape == (3, len(NAMES), len(NAMES))
    weighted = model(images)[1]["maps.weighted"].detach()
    step = 1e-8  # scaling label j's map by 1 + step moves y_sr[i] by step * (gradient times input)
    for j in range(len(NAMES)):
        more, less = weighted.clone(), weighted.clone()
        more[:, j] *= 1 + step
        less[:, j] *= 1 - step
        moved = ((model.regularise(more)[0] - model.regularise(less)[0]) / (2 * step)).detach()
        torch.testing.assert_close(found[:, :, j], moved, rtol=1e-4, atol=1e-6 * float(moved.abs().max()))


def test_relations_do_not_depend_on_the_batch_or_on_modes():
    model = settled("srn")
    images = pictures(4)
    together = model.relations(images)["regularisation"]
    torch.testing.assert_close(model.relations(images[2:3])["regularisation"][0], together[2], rtol=1e-3, atol=1e-5)
    model.requires_grad_(False).train()
    before = copy.deepcopy(model.state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(model.relations(images)["regularisation"], together)
    assert model.training
    assert all(module.training for module in model.modules())
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


# --- bad options ---


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"variant": "papper"}, 'Did you mean "paper"'),
        ({"normalisation": "bacth"}, 'Did you mean "batch"'),
        ({"gate": "shufled"}, 'Did you mean "shuffled"'),
    ],
)
def test_bad_options_are_refused_with_the_nearest_name(options, words):
    with pytest.raises(WorkbenchError, match=words):
        create_model("srn", NAMES, **options)
