import numpy as np
import pytest
import torch

from tests.support.shared_data import reference
from workbench.errors import WorkbenchError
from workbench.losses import ClassCentres, DiscriminativeLoss
from workbench.losses.discriminative import Points, contrastive, feature_points, logit_points, two_terms, unit


def batch(seed=0, images=6, labels=5, width=8, dtype=torch.float64):
    """Features [B, C, D] that want a gradient, targets of all three kinds, and centres of which one is not seen."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(images, labels, width, generator=generator, dtype=dtype).requires_grad_()
    targets = (torch.rand(images, labels, generator=generator) < 0.5).to(torch.int8)
    targets[torch.rand(images, labels, generator=generator) < 0.15] = -1
    centres = unit(torch.randn(labels, width, generator=generator, dtype=dtype))
    seen = torch.ones(labels, dtype=torch.bool)
    seen[1] = False
    return features, targets, centres * seen[:, None], seen


def slow_contrastive(features, targets, centres, seen, temperature, margin, of_images=False):
    """Anchor by anchor in plain loops: [(anchor's loss or None)]."""
    f = features.detach().numpy().astype(np.float64)
    pairs = [(b, c) for b in range(targets.shape[0]) for c in range(targets.shape[1]) if targets[b, c] == 1]
    vectors = {pair: (f[pair[0]] if of_images else f[pair]) for pair in pairs}
    vectors = {pair: vector / np.linalg.norm(vector) for pair, vector in vectors.items()}
    losses = []
    for image, label in pairs:
        positives, negatives = [], []
        for other in pairs:
            cosine = vectors[image, label] @ vectors[other]
            if other[1] == label and other != (image, label):
                positives.append(cosine)
            elif other[1] != label and not (of_images and targets[other[0], label] != 0):
                negatives.append(cosine)
        for other in range(len(seen)) if centres is not None else ():
            if seen[other]:
                cosine = vectors[image, label] @ centres[other].numpy()
                if other == label:
                    positives.append(cosine)
                elif not (of_images and targets[image, other] != 0):
                    negatives.append(cosine)
        if not positives:
            losses.append(None)
            continue
        total = sum(np.exp(s / temperature) for s in positives) + sum(np.exp((s + margin) / temperature) for s in negatives)
        losses.append(-np.mean(positives) / temperature + np.log(total))
    return losses


@pytest.mark.parametrize("temperature", [0.1, 0.2])
def test_without_centres_and_margin_it_is_supcon(temperature):
    numbers = reference("supcon.npz")
    name = f"tau{temperature:g}".replace(".", "")
    features = torch.from_numpy(numbers["features"]).requires_grad_()
    points = feature_points(features, torch.from_numpy(numbers["targets"]))
    assert points.image.tolist() == numbers["image_of_anchor"].tolist()
    assert points.label.tolist() == numbers["class_of_anchor"].tolist()
    terms = contrastive(points, temperature=temperature)
    torch.testing.assert_close(terms.loss.item(), float(numbers[f"loss_{name}"]), rtol=0, atol=1e-9)
    torch.testing.assert_close(terms.each.detach().numpy(), numbers[f"each_{name}"], rtol=0, atol=1e-9)
    terms.loss.backward()
    torch.testing.assert_close(features.grad.numpy(), numbers[f"grad_{name}"], rtol=0, atol=1e-9)
    single = contrastive(feature_points(torch.from_numpy(numbers["features"]).float(), points.targets), temperature=temperature)
    assert single.loss.dtype == torch.float32
    assert abs(single.loss.item() - float(numbers[f"loss_float32_{name}"])) < 1e-5


@pytest.mark.parametrize("of_images", [False, True], ids=["features", "logits"])
@pytest.mark.parametrize("with_centres", [False, True])
def test_equals_slow_loops(with_centres, of_images):
    features, targets, centres, seen = batch(width=5)
    if of_images:
        features = features.detach()[:, 0].clone().requires_grad_()
    points = logit_points(features, targets) if of_images else feature_points(features, targets)
    given = (centres, seen) if with_centres else (None, None)
    terms = contrastive(points, *given, temperature=0.2, margin=0.3)
    expected = slow_contrastive(features, targets, *given, 0.2, 0.3, of_images)
    counted = [value for value in expected if value is not None]
    torch.testing.assert_close(terms.each.detach(), torch.tensor([value or 0.0 for value in expected], dtype=torch.float64))
    assert (terms.anchors, terms.dropped) == (len(counted), len(expected) - len(counted))
    torch.testing.assert_close(terms.loss.item(), float(np.mean(counted)))
    torch.testing.assert_close((terms.pull + terms.push).item(), terms.loss.item())


def test_two_terms_equal_slow_loops():
    features, targets, centres, seen = batch()
    terms = two_terms(feature_points(features, targets), centres, seen, inner=0.4, outer=1.7)
    pulls, pushes = [], []
    for image, label in (targets == 1).nonzero().tolist():
        if seen[label]:
            z = features[image, label].detach() / features[image, label].detach().norm()
            away = [2 - 2 * float(z @ centre) for centre in centres]
            pulls.append(max(0.0, away[label] - 0.4))
            pushes.append(np.mean([max(0.0, 1.7 - away[other]) ** 2 for other in range(5) if seen[other] and other != label]))
    assert terms.pull.item() == pytest.approx(np.mean(pulls))
    assert terms.push.item() == pytest.approx(np.mean(pushes))
    assert (terms.anchors, terms.dropped) == (len(pulls), int((targets == 1).sum()) - len(pulls))
    live = two_terms(feature_points(features, targets), centres, seen, 0.4, 1.7, between_batch_centres=True)
    assert live.push > terms.push


@pytest.mark.parametrize("form", ["contrastive", "two_terms"])
def test_absent_and_unknown_entries_get_no_gradient_and_change_nothing(form):
    features, targets, centres, seen = batch()
    gone = targets != 1
    loss = DiscriminativeLoss(5, 8, form=form).double()
    loss.centres.centres.copy_(centres)
    loss.centres.seen.copy_(seen)
    value, _ = loss.eval()(features, targets)
    value.backward()
    assert (features.grad[gone] == 0).all()
    assert (features.grad[~gone] != 0).any()
    with torch.no_grad():
        features[gone] = float("nan")
    assert torch.equal(loss(features, targets)[0], value)


@pytest.mark.parametrize("form", ["contrastive", "two_terms"])
def test_order_of_images_and_classes_does_not_matter(form):
    features, targets, centres, seen = batch()
    images, labels = torch.randperm(6, generator=torch.Generator().manual_seed(1)), torch.tensor([3, 0, 4, 1, 2])

    def value(features, targets, centres, seen):
        points = feature_points(features, targets)
        return contrastive(points, centres, seen).loss if form == "contrastive" else two_terms(points, centres, seen).loss

    turned = value(features[images][:, labels], targets[images][:, labels], centres[labels], seen[labels])
    torch.testing.assert_close(turned, value(features, targets, centres, seen))


def degenerate():
    features, targets, _, _ = batch(dtype=torch.float32)
    alone = torch.zeros_like(targets)
    alone[torch.arange(5), torch.arange(5)] = 1
    return {
        "nothing present": (features.detach(), torch.zeros_like(targets)),
        "all unknown": (features.detach(), torch.full_like(targets, -1)),
        "no partner": (features.detach(), alone),
        "one image": (features.detach()[:1], targets[:1]),
        "zero features": (torch.zeros_like(features), targets),
        "large halves": (features.detach().sign().half() * 1e4, targets),
    }


@pytest.mark.parametrize("form", ["contrastive", "two_terms"])
@pytest.mark.parametrize("on", ["features", "logits"])
@pytest.mark.parametrize("case", degenerate())
def test_degenerate_batches_stay_finite_and_keep_the_graph(case, on, form):
    features, targets = degenerate()[case]
    features = (features if on == "features" else features[:, :, 0]).clone().requires_grad_()
    loss = DiscriminativeLoss(5, features.shape[-1], on=on, form=form)
    for _ in range(3):
        value, logged = loss(features, targets)
        value.backward()
        assert value.isfinite()
        assert features.grad.isfinite().all()
        assert all(np.isfinite(number) for number in logged.values())
    if case in ("nothing present", "all unknown"):
        assert value == 0
        assert logged["anchors"] == logged["dropped"] == 0
    assert loss.centres.centres.isfinite().all()


def test_a_pair_without_partner_is_dropped_until_its_centre_is_known():
    features, targets = degenerate()["no partner"]
    loss = DiscriminativeLoss(5, 8)
    first, logged = loss(features, targets)
    assert first == 0
    assert (logged["anchors"], logged["dropped"]) == (0, 5)
    second, logged = loss(features + 0.1, targets)
    assert second > 0
    assert (logged["anchors"], logged["dropped"]) == (5, 0)
    assert DiscriminativeLoss(5, 8, centres=False)(features, targets)[1]["dropped"] == 5


def test_centres_follow_the_rule_and_only_in_training(tmp_path):
    centres = ClassCentres(3, 4, momentum=0.9)
    z = unit(torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]))
    centres.update(z, torch.tensor([0, 0, 2]))
    half = 0.5**0.5
    torch.testing.assert_close(centres.centres, torch.tensor([[half, half, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]]))
    assert centres.seen.tolist() == [True, False, True]
    centres.update(z[2:], torch.tensor([0]))
    moved = torch.tensor([0.9 * half, 0.9 * half, 0.1, 0])
    torch.testing.assert_close(centres.centres[0], moved / moved.norm())
    before = centres.centres.clone()
    centres.eval().update(z, torch.tensor([1, 1, 1]))
    assert torch.equal(centres.centres, before)
    again = ClassCentres(3, 4)
    again.load_state_dict(centres.state_dict())
    assert torch.equal(again.centres, before)
    assert again.seen.tolist() == [True, False, True]
    assert not list(centres.parameters())


def test_the_loss_sees_the_centres_from_before_the_batch():
    features, targets, _, _ = batch(dtype=torch.float32)
    loss = DiscriminativeLoss(5, 8)
    loss(features, targets)
    kept = {key: value.clone() for key, value in loss.state_dict().items()}
    value, _ = loss(2 * features + 1, targets)
    again = DiscriminativeLoss(5, 8)
    again.load_state_dict(kept)
    assert torch.equal(again.eval()(2 * features + 1, targets)[0], value)
    assert torch.equal(again.centres.centres, kept["centres.centres"])
    assert not torch.equal(loss.centres.centres, kept["centres.centres"])


@pytest.mark.parametrize("form", ["contrastive", "two_terms"])
@pytest.mark.parametrize("on", ["features", "logits"])
def test_gradcheck(form, on):
    features, targets, centres, seen = batch(images=4, labels=5, width=5)
    values = features.detach() if on == "features" else features.detach()[:, 0]

    def loss(values):
        points = feature_points(values, targets[:4]) if on == "features" else logit_points(values, targets[:4])
        if form == "contrastive":
            return contrastive(points, centres, seen, 0.2, 0.1).loss
        return two_terms(points, centres, seen, 0.1, 1.9, between_batch_centres=True).loss

    assert torch.autograd.gradcheck(loss, (values.clone().requires_grad_(),))


def test_autocast_changes_nothing():
    features, targets, _, _ = batch(dtype=torch.float32)
    exact = contrastive(feature_points(features, targets)).loss
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(contrastive(feature_points(features, targets)).loss, exact)


@torch.no_grad()
def ratio(features, targets):
    """Mean distance between class means over mean distance to the own one."""
    points = feature_points(features, targets)
    means = unit(torch.stack([points.z[points.label == label].mean(0) for label in range(targets.shape[1])]))
    inner = (1 - (points.z * means[points.label]).sum(1)).mean()
    between = 1 - means @ means.T
    return float(between.sum() / (len(means) * (len(means) - 1)) / inner)


@pytest.mark.parametrize("form", ["contrastive", "two_terms"])
def test_on_a_toy_problem_classes_come_apart(form):
    generator = torch.Generator().manual_seed(0)
    targets = (torch.rand(24, 6, generator=generator) < 0.4).to(torch.int8)
    inputs = torch.randn(24, 6, 12, generator=generator) + 1.5 * torch.randn(1, 1, 12, generator=generator)
    layer = torch.nn.Linear(12, 12)
    torch.nn.init.eye_(layer.weight)
    loss = DiscriminativeLoss(6, 12, form=form)
    offsets = torch.nn.Parameter(0.05 * torch.randn(6, 12, generator=generator))  # what tells the classes apart, to be found
    optimizer = torch.optim.Adam([*layer.parameters(), offsets], lr=0.02)
    start = ratio(layer(inputs + offsets), targets)
    for _ in range(80):
        optimizer.zero_grad()
        loss(layer(inputs + offsets), targets)[0].backward()
        optimizer.step()
    assert ratio(layer(inputs + offsets), targets) > 2 * start


def test_what_cannot_be_used_is_refused_in_a_sentence():
    features, targets, _, _ = batch()
    with pytest.raises(WorkbenchError, match=r"\[6, 5, 8\].*\[6, 4\]"):
        feature_points(features, targets[:, :4])
    with pytest.raises(WorkbenchError, match=r"both must be \[B, C\]"):
        logit_points(features, targets)
    with pytest.raises(WorkbenchError, match=r"Temperature 0\.01"):
        contrastive(feature_points(features, targets), temperature=0.01)
    with pytest.raises(WorkbenchError, match='Did you mean "features"'):
        DiscriminativeLoss(5, 8, on="feature")
    with pytest.raises(WorkbenchError, match="leave centres on"):
        DiscriminativeLoss(5, 8, form="two_terms", centres=False)
    with pytest.raises(WorkbenchError, match="momentum is 1"):
        ClassCentres(3, 4, momentum=1.0)


def test_points_are_present_pairs_in_row_major_order():
    features, targets, _, _ = batch()
    points = feature_points(features, targets)
    assert isinstance(points, Points)
    assert torch.stack([points.image, points.label], 1).tolist() == (targets == 1).nonzero().tolist()
    torch.testing.assert_close(points.z.norm(dim=1), torch.ones(len(points.z), dtype=torch.float64))
