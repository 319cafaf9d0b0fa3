"""What a stage does to a model: which parts learn, how they are stepped, and what is minimised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LRScheduler, MultiStepLR, OneCycleLR

from workbench.errors import WorkbenchError, did_you_mean
from workbench.losses import classification_loss
from workbench.training.recipe import Stage

ALL = "all"


def trained_parts(model: nn.Module, stage: Stage) -> set[str]:
    """Names of the parts that learn. Raises WorkbenchError for a name that the model does not have."""
    parts = _parts(model)
    if ALL in stage.train:
        return set(parts)
    for name in (*stage.train, *stage.lr_factors):
        if name not in parts:
            raise WorkbenchError(f'The model has no part "{name}" to train.{did_you_mean(name, [*parts, ALL])}')
    return set(stage.train)


def set_modes(model: nn.Module, trained: set[str], freeze_statistics: bool = False) -> None:
    """Training mode for the parts that learn; the others frozen: no gradients, and evaluation mode.

    With `freeze_statistics` every batch normalisation is in evaluation mode; its scale and shift still learn.

    A batch normalisation in training mode moves its running statistics although nothing steps it, so the mode matters as much as
    `requires_grad`. To be called again after every evaluation.
    """
    model.train()
    for name, modules in _parts(model).items():
        for module in modules:
            module.train(name in trained)
            module.requires_grad_(name in trained)
    if freeze_statistics:
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()


def make_optimizer(model: nn.Module, stage: Stage) -> Optimizer:
    """One pair of parameter groups a trained part: matrices and kernels with weight decay, biases and normalisation without."""
    trained = trained_parts(model, stage)
    groups = []
    for name, modules in _parts(model).items():
        if name not in trained:
            continue
        parameters = [parameter for module in modules for parameter in module.parameters()]
        lr = stage.lr * stage.lr_factors.get(name, 1.0)
        for decay, chosen in ((stage.weight_decay, [p for p in parameters if p.ndim > 1]), (0.0, [p for p in parameters if p.ndim <= 1])):
            if chosen:
                groups.append({"params": chosen, "lr": lr, "weight_decay": decay})
    if not groups:
        raise WorkbenchError(f"The parts {', '.join(stage.train)} hold no parameters, so there is nothing to train in this stage.")
    # One kernel for all parameters where there is a GPU; on a CPU it gains nothing, and other last digits.
    fused = True if all(parameter.is_cuda for parameter in model.parameters()) else None
    if stage.optimizer == "sgd":
        return SGD(groups, lr=stage.lr, momentum=stage.momentum, fused=fused)
    return AdamW(groups, lr=stage.lr, fused=fused)


def make_schedule(optimizer: Optimizer, stage: Stage, steps: int) -> LRScheduler:
    """Stepped after every batch; `steps` is how many there are in the stage."""
    if stage.schedule == "cosine":
        return CosineAnnealingLR(optimizer, T_max=max(1, steps))
    if stage.schedule == "onecycle":
        highest = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, max_lr=highest, total_steps=max(2, steps), cycle_momentum=False)
    if stage.schedule == "step":
        return MultiStepLR(optimizer, [round(epoch * steps / max(1, stage.epochs)) for epoch in stage.lr_drops], gamma=0.1)
    return ConstantLR(optimizer, factor=1.0)


def loss_terms(out: Mapping[str, Tensor], targets: Tensor, losses: Mapping[str, str | float], unknown: str) -> dict[str, Tensor]:
    """The terms of a stage's loss, to be added up.

    Args:
        out: the model's named intermediates; logits [B, C], losses scalar.
        targets: int8 [B, C].
        losses: as in `Stage.losses`.
        unknown: what a target of -1 does.

    Returns: scalars by key of `losses`.
    Raises: WorkbenchError for a key that is not in `out`, or an unknown loss.
    """
    terms = {}
    for key, how in losses.items():
        if key not in out:
            usable = [name for name in out if name.startswith(("logits.", "loss."))]
            raise WorkbenchError(f'The model gives no "{key}" to minimise.{did_you_mean(key, usable)}')
        if isinstance(how, str):
            try:
                terms[key] = classification_loss(how)(out[key], targets, unknown=unknown)
            except WorkbenchError as error:
                raise WorkbenchError(f"{key}: {error}") from None
        else:
            terms[key] = how * out[key].float()
    return terms


def images_or_entries(key: str, losses: Mapping[str, str | float], targets: Tensor, unknown: str) -> float:
    """What the term `key` is a mean over: images, or, for a loss that ends in _mean, the entries of `targets` [B, C] that count."""
    how = losses.get(key)
    if isinstance(how, str) and how.partition(":")[0].endswith("_mean") and unknown == "ignore":
        return float((targets >= 0).sum())
    return float(len(targets))


def frozen_throughout(model: nn.Module, stages: Mapping[str, Stage]) -> Iterator[nn.Parameter]:
    """Parameters that no stage trains. Raises WorkbenchError, naming the stage, for a part that the model does not have."""
    learning: set[str] = set()
    for stage_name, stage in stages.items():
        try:
            learning |= trained_parts(model, stage) if stage.epochs else set()
        except WorkbenchError as error:
            raise WorkbenchError(f'Stage "{stage_name}": {error}') from None
    for name, modules in _parts(model).items():
        if name not in learning:
            for module in modules:
                yield from module.parameters()


def seed_step(*position: int) -> None:
    """Seed torch from a place in the training (seed, stage, epoch, step), so that no generator's state has to be kept for resuming."""
    torch.manual_seed(int(np.random.SeedSequence(position).generate_state(1, np.uint64)[0] >> np.uint64(1)))


def _parts(model: nn.Module) -> Mapping[str, tuple[nn.Module, ...]]:
    return model.parts  # type: ignore[return-value]
