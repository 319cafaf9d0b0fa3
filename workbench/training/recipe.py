"""A recipe: everything that decides the result of a training, as frozen dataclasses that go through JSON unchanged.

Budget in comparisons means images through the backbone, summed over all stages: a staged model gets no more of them than a plain one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from workbench.errors import WorkbenchError, did_you_mean
from workbench.pictures import LARGEST_SIDE
from workbench.training.typed import require_types

SCHEMA_VERSION = 1
OPTIMIZERS = ("sgd", "adamw")
SCHEDULES = ("constant", "cosine", "onecycle", "step")
PRECISIONS = ("32-true", "bf16-mixed")
AUGMENTATIONS = ("none", "flip", "vary", "crops", "fixed_crops", "modern")
UNKNOWN = ("ignore", "positive", "negative")


@dataclass(frozen=True)
class Discriminative:
    """A discriminative loss for any model that gives class features: ours, after Hassanin et al. (equations not available to us).

    Attributes:
        weight: what it is multiplied with before it is added to the other terms.
        ramp_epochs: epochs of the stage over which the weight grows from 0.
        on: "features", or "logits" for the other reading of the paper's "output space" (see `workbench.losses.discriminative_loss`).
        form: "contrastive", or "two_terms" for teaching.
        temperature, margin: of the contrastive form.
        inner, outer: of the two-term form: distances below which nothing pulls and above which nothing pushes.
        centres: running class centres in the contrast set; momentum: share that they keep at each step.
    """

    weight: float = 0.1
    ramp_epochs: float = 1.0
    on: str = "features"
    form: str = "contrastive"
    temperature: float = 0.1
    margin: float = 0.0
    inner: float = 0.0
    outer: float = 2.0
    centres: bool = True
    momentum: float = 0.9

    def __post_init__(self) -> None:
        require_types(Discriminative, vars(self), "the discriminative loss")
        _one_of("reading", self.on, ("features", "logits"))
        _one_of("form", self.form, ("contrastive", "two_terms"))
        if self.weight < 0:
            raise WorkbenchError(f"A discriminative loss of weight {self.weight} would mix the classes; give 0 or more.")


@dataclass(frozen=True)
class Stage:
    """One stretch of training with the same parts trained and the same losses.

    Attributes:
        train: names of the model's parts that learn, or ``("all",)``; the others are frozen, their normalisation statistics included.
        losses: what is minimised, keyed by the model's ``out``: ``"logits.<name>"`` to the name of a classification loss,
            ``"loss.<name>"`` to a weight. The terms are added up.
        epochs: passes over the training images; 0 leaves the stage out.
        lr: learning rate (the highest one, where the schedule varies it).
        lr_drops: for the schedule "step": epochs of the stage after which the learning rates fall to a tenth, ``(30,)``.
        lr_factors: factors on `lr` for single parts, ``{"trunk": 0.1}``.
        discriminative: adds the discriminative loss; the model has to give class features. Its class centres start anew in each stage.
        batch_size: images between two steps of the optimiser, in all processes together.
        accumulate: parts in which each process goes through its share of a batch, one after the other, where memory is short: the step
            is that of the whole batch, except for what looks at a batch as such (statistics of normalisation, the discriminative loss).
        clip: largest norm of the gradient of all that learns together; a longer one is scaled down to it. 0: none.
        freeze_statistics: normalisation uses its running statistics and leaves them alone, in the parts that learn too.
        momentum: of SGD; AdamW takes torch's usual pair.
        weight_decay: on weights of two and more dimensions; biases and normalisation parameters are left alone.
    """

    train: tuple[str, ...]
    losses: dict[str, str | float]
    epochs: int
    lr: float
    batch_size: int = 32
    optimizer: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "constant"
    lr_drops: tuple[int, ...] = ()
    lr_factors: dict[str, float] = field(default_factory=dict)
    discriminative: Discriminative | None = None
    accumulate: int = 1
    clip: float = 0.0
    freeze_statistics: bool = False

    def __post_init__(self) -> None:
        _one_of("optimizer", self.optimizer, OPTIMIZERS)
        _one_of("schedule", self.schedule, SCHEDULES)
        try:
            object.__setattr__(self, "lr_drops", tuple(int(epoch) for epoch in self.lr_drops))
        except ValueError:
            raise WorkbenchError(f"lr_drops are {self.lr_drops}; give whole epochs of the stage, such as (30,).") from None
        require_types(Stage, vars(self), "a stage")
        if self.schedule == "step" and not self.lr_drops:
            raise WorkbenchError(
                'The schedule "step" needs the epochs after which the learning rates fall; give lr_drops first, such as (30,).'
            )
        _at_least("epochs", self.epochs, 0)
        _at_least("batch_size", self.batch_size, 1)
        _at_least("accumulate", self.accumulate, 1)
        if not 0 <= self.clip < float("inf"):
            raise WorkbenchError(f"clip is {self.clip}; give the largest norm of the gradient, such as 1.0, or 0 for no limit.")
        if not self.lr > 0:
            raise WorkbenchError(f"A learning rate of {self.lr} trains nothing; give a positive lr.")
        if not self.train:
            raise WorkbenchError('A stage has to train something; name parts of the model, or "all".')
        if not self.losses:
            raise WorkbenchError('A stage needs at least one loss, such as {"logits.cls": "bce"}.')


@dataclass(frozen=True)
class DataSpec:
    """Which data: name and splits as `load_dataset` knows them.

    Attributes:
        root: folder of the data set, None where it needs none or to look in the usual places.
        options: keyword arguments for both splits.
        validation_options: what differs for the validation split, such as its ``count``.
        skip_broken: how many images of a split may be left out because they cannot be read (see `workbench.training.broken`); with 0 the
            first one ends the training.
    """

    name: str
    train: str
    validation: str
    root: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    validation_options: dict[str, Any] = field(default_factory=dict)
    skip_broken: int = 0

    def __post_init__(self) -> None:
        require_types(DataSpec, vars(self), "the recipe's data")
        _at_least("skip_broken", self.skip_broken, 0)


@dataclass(frozen=True)
class ModelSpec:
    """Which model: the arguments of `create_model`."""

    name: str
    backbone: str = "small"
    weights: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_types(ModelSpec, vars(self), "the recipe's model")


@dataclass(frozen=True)
class Expected:
    """One figure that a run of the recipe should come near to.

    Attributes:
        figure: what it is: ``"validation.map"``, ``"seconds"``, ``"peak memory, MB"``.
        source: "published" (somebody's paper) or "measured" (by us).
        conditions: where and how: machine, seeds, or paper and table.
    """

    figure: str
    value: float
    source: str
    conditions: str = ""

    def __post_init__(self) -> None:
        _one_of("source", self.source, ("published", "measured"))


@dataclass(frozen=True)
class Recipe:
    """Data, model and named stages in the order in which they run.

    Attributes:
        image_size: side of the square that images are squashed to, in pixels.
        scored: name of the logits that validation and the choice of the best epoch go by; None: the model's own choice.
        seed: decides initial weights, order of images and augmentation.
        precision: "32-true", or "bf16-mixed": bfloat16 where it is safe. Memory is laid out channels-last either way.
        compile: torch.compile for the training steps (`workbench.training.compiling`): a wait at the first ones, then perhaps faster ones.
        augmentation: "none", "flip" (half of the images mirrored), "vary" (also moved a little, brightness and colours changed), "crops"
            (mirrored, and a random part of the image, resized), "fixed_crops" (mirrored, and a part at one of thirteen places with sides of
            0.6 to 1.0 of the original image's shorter one, read from the original, as for MSRN) or "modern" (mirrored, RandAugment and
            cutout: `workbench.training.rand_augment`).
        average: decay of the running average of the weights that is evaluated and kept (`workbench.training.average`); 0: none.
        frozen_backbone: nothing of the backbone learns, its last stage neither, which otherwise belongs to the part that reads it.
        unknown_in_loss, unknown_in_ap: what a target of -1 does: "ignore", "positive" or "negative".
        sync_normalisation: with several processes on GPUs, batch normalisation takes its statistics from the batch of all of them.
        feature_images: class features of this many validation images, the first ones, are kept after each epoch, to see the classes come
            apart; 0 keeps none.
        expected: figures to compare a run with, each tagged.
    """

    name: str
    data: DataSpec
    model: ModelSpec
    stages: dict[str, Stage]
    image_size: int = 64
    scored: str | None = None
    seed: int = 0
    precision: str = "32-true"
    compile: bool = False
    augmentation: str = "flip"
    frozen_backbone: bool = False
    average: float = 0.0
    unknown_in_loss: str = "ignore"
    unknown_in_ap: str = "ignore"
    feature_images: int = 0
    sync_normalisation: bool = False
    expected: tuple[Expected, ...] = ()

    def __post_init__(self) -> None:
        require_types(Recipe, vars(self), "the recipe")
        _one_of("precision", self.precision, PRECISIONS)
        _one_of("augmentation", self.augmentation, AUGMENTATIONS)
        _one_of("unknown_in_loss", self.unknown_in_loss, UNKNOWN)
        _one_of("unknown_in_ap", self.unknown_in_ap, UNKNOWN)
        if not 0 <= self.average < 1:
            raise WorkbenchError(f"average is {self.average}; give the share that a step keeps, from 0 to below 1, such as 0.999.")
        _at_least("image_size", self.image_size, 1)
        if self.image_size > LARGEST_SIDE:
            raise WorkbenchError(f"image_size is {self.image_size}; give {LARGEST_SIDE} pixels at most.")
        _at_least("seed", self.seed, 0)
        _at_least("feature_images", self.feature_images, 0)
        for name, stage in self.stages.items():
            if self.frozen_backbone and {"trunk", "all"} & set(stage.train):
                raise WorkbenchError(f'Stage "{name}" trains the backbone that frozen_backbone keeps as it is; name the heads to train.')
        if not self.total_epochs:
            raise WorkbenchError(f'Recipe "{self.name}" has no epoch in any stage; give at least one stage some epochs.')

    @property
    def total_epochs(self) -> int:
        return sum(stage.epochs for stage in self.stages.values())

    @property
    def last_stage(self) -> str:
        """Name of the last stage that has epochs."""
        return [name for name, stage in self.stages.items() if stage.epochs][-1]

    def images_through_backbone(self, training_images: int | None = None) -> int:
        """The budget: epochs of all stages times training images.

        Args:
            training_images: size of the training split; None takes it from the data options' ``count``.
        Raises: WorkbenchError where the recipe alone does not say how many images there are.
        """
        if training_images is None:
            count = self.data.options.get("count")
            training_images = count.get(self.data.train) if isinstance(count, Mapping) else count
        if training_images is None:
            raise WorkbenchError(f'Recipe "{self.name}" does not say how many training images there are; pass their number.')
        return self.total_epochs * training_images

    def with_overrides(self, overrides: Mapping[str, Any]) -> Recipe:
        """A copy with single values changed: ``{"stages.joint.lr": "1e-3", "data.options.relation": "0"}``.

        Texts are read as the type that stands there. Raises WorkbenchError for an unknown key, with the nearest one, or a wrong type.
        """
        from workbench.training.overrides import changed

        recipe = self
        for key, value in overrides.items():
            recipe = changed(recipe, key, value)
        # Figures were measured with the values as they stood, so a changed recipe promises nothing.
        return replace(recipe, expected=()) if recipe != self else recipe

    def to_json(self) -> dict[str, Any]:
        value = _plain(self)
        assert isinstance(value, dict)
        return {"schema": SCHEMA_VERSION, **value}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        """Rebuild a recipe. Raises WorkbenchError for another schema, and for missing or unknown keys."""
        rest = dict(value)
        schema = rest.pop("schema", None)
        if schema != SCHEMA_VERSION:
            raise WorkbenchError(
                f"The recipe has schema {schema}, this version reads {SCHEMA_VERSION}; use the version of workbench that wrote it."
            )
        _known(cls, rest, "the recipe")
        rest["data"] = _build(DataSpec, rest.get("data"), "data")
        rest["model"] = _build(ModelSpec, rest.get("model"), "model")
        if not isinstance(rest.get("stages"), Mapping) or not isinstance(rest.get("expected", ()), list | tuple):
            raise WorkbenchError('"stages" in the recipe has to be an object and "expected" a list; write recipes with Recipe.to_json.')
        rest["stages"] = {name: _stage(stage, f"stages.{name}") for name, stage in rest["stages"].items()}
        rest["expected"] = tuple(_build(Expected, figure, "expected") for figure in rest.get("expected", ()))
        require_types(cls, rest, "the recipe")
        return cls(**rest)


def _stage(value: Mapping[str, Any], where: str) -> Stage:
    if not isinstance(value, Mapping) or not isinstance(value.get("train", ()), list | tuple):
        raise WorkbenchError(f'"{where}" in the recipe is no object with a list of what it trains; write recipes with Recipe.to_json.')
    value = {**value, "train": tuple(value.get("train", ()))}
    if value.get("discriminative") is not None:
        value["discriminative"] = _build(Discriminative, value["discriminative"], f"{where}.discriminative")
    return _build(Stage, value, where)


def _build(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise WorkbenchError(f'"{where}" in the recipe is {json.dumps(value)[:40]}, not an object of its settings.')
    _known(kind, value, where)
    require_types(kind, value, where)
    return kind(**value)


def _known(kind: type, value: Mapping[str, Any], where: str) -> None:
    names = [entry.name for entry in fields(kind)]
    for key in value:
        if key not in names:
            raise WorkbenchError(f'There is no "{key}" in {where}.{did_you_mean(key, names)}')
    missing = [entry.name for entry in fields(kind) if _required(entry) and entry.name not in value]
    if missing:
        raise WorkbenchError(f'"{missing[0]}" is missing from {where}; write recipes with Recipe.to_json.')


def _required(entry: Any) -> bool:
    from dataclasses import MISSING

    return entry.default is MISSING and entry.default_factory is MISSING


def _plain(value: Any) -> Any:
    """Dataclasses, tuples and dicts as JSON values."""
    if hasattr(value, "__dataclass_fields__"):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise WorkbenchError(f'"{value}" is not a possible {what}.{did_you_mean(str(value), known)}')


def _at_least(what: str, value: int, least: int) -> None:
    if value < least:
        raise WorkbenchError(f"{what} is {value}; it has to be at least {least}.")
