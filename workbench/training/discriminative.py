"""The discriminative loss of a stage: made to fit a model, faded in, and kept with the training's state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.files import atomic
from workbench.losses.discriminative_loss import DiscriminativeLoss
from workbench.training.recipe import Discriminative

PREFIX = "discriminative."


class DiscriminativeTerm:
    """What a stage adds to its loss where its recipe says so.

    Args:
        settings: of the stage.
        out: the model's named intermediates for any images, from which the widths are taken.
        scored: name of the logits that stand for the model's output.
        device: where the centres are kept.

    Raises: WorkbenchError if the model gives nothing that the loss could work on.
    """

    def __init__(self, settings: Discriminative, out: Mapping[str, Tensor], scored: str, device: torch.device) -> None:
        self.settings = settings
        self.key = "features" if settings.on == "features" else f"logits.{scored}"
        if self.key not in out:
            raise WorkbenchError(
                "The discriminative loss needs class features, and this model gives none; use a model that does "
                '(disentangled, csra, srn with attention), or set discriminative.on to "logits".'
            )
        options = asdict(settings)
        self.weight, self.ramp_epochs = options.pop("weight"), options.pop("ramp_epochs")
        values = out[self.key]
        self.loss = DiscriminativeLoss(values.shape[1], values.shape[-1], **options).to(device).train()

    def __call__(self, out: Mapping[str, Tensor], targets: Tensor, epochs: float) -> tuple[dict[str, Tensor], dict[str, float]]:
        """The term to add up, by name, and what to log beside it.

        Args:
            epochs: how much of the stage is done, in epochs, this batch included; the weight grows linearly over the first `ramp_epochs`.
        """
        loss, logged = self.loss(out[self.key], targets)
        ramp = min(1.0, epochs / self.ramp_epochs) if self.ramp_epochs > 0 else 1.0
        logged = {f"{PREFIX}{name}": float(value) for name, value in {"loss": loss.detach(), **logged}.items()}
        return {"loss.discriminative": ramp * self.weight * loss}, logged

    def tensors(self) -> dict[str, Tensor]:
        """The centres, to be kept in the training's state."""
        return {f"{PREFIX}{name}": value for name, value in self.loss.state_dict().items()}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the centres up from a state's tensors."""
        self.loss.load_state_dict({key.removeprefix(PREFIX): value for key, value in tensors.items() if key.startswith(PREFIX)})

    def write(self, path: Path, categories: Categories) -> None:
        """Keep the centres beside the checkpoints: float32 [C, D] and which were seen, with the names of the rows."""
        if self.loss.centres is not None:
            held = {name: value.cpu().contiguous() for name, value in self.loss.centres.state_dict().items()}
            with atomic(path) as temporary:
                save_file(held, temporary, metadata={"categories": json.dumps(categories.to_json())})
