import subprocess
import sys

import pytest

from tests.support.models import NAMES
from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.models import create_model, model_options


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "snr"}, r'no model "snr"\. Did you mean "srn"'),
        ({"name": "resnet"}, r'no model "resnet"\. Known names: pooled, csra, disentangled, srn'),
        ({"name": "srn", "backbone": "resnet81"}, r'no backbone "resnet81"\. Did you mean "resnet18"'),
        ({"name": "srn", "varient": "paper"}, r'no option "varient"\. Did you mean "variant"'),
        ({"name": "pooled", "pooling": "avarage"}, r'no pooling "avarage"\. Did you mean "average"'),
        ({"name": "csra", "heads": 3}, "no form with 3 heads"),
        ({"name": "csra", "temperature": 0}, "give a number above 0"),
        ({"name": "srn", "image_size": 0}, "image_size is 0"),
        ({"name": "srn", "weights": "imagenet"}, 'has no "imagenet" weights'),
    ],
)
def test_bad_arguments_are_one_sentence(arguments, words):
    with pytest.raises(WorkbenchError, match=words):
        create_model(**{"categories": NAMES, **arguments})


def test_categories_come_as_names_as_json_or_as_themselves():
    categories = Categories(NAMES, {"sun": "sky"})
    for given in (NAMES, categories, categories.to_json()):
        assert create_model("pooled", given).categories == categories
    assert create_model("pooled", categories.to_json()).categories.groups == {"sun": "sky"}


def test_options_are_listed_with_their_defaults():
    assert model_options("pooled") == {"pooling": "average"}
    assert model_options("srn")["variant"] == "paper"


def test_naming_models_does_not_import_torch():
    code = "import sys, workbench.models as m; m.MODELS; assert 'torch' not in sys.modules; m.create_model"
    subprocess.run([sys.executable, "-c", code], check=True)
