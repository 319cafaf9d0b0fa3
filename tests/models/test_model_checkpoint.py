import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.support.models import NAMES, pictures, settled
from workbench.categories import Categories
from workbench.errors import WorkbenchError
from workbench.models import create_model, load_model, load_weights, save_model


@pytest.fixture
def saved(tmp_path):
    return save_model(settled("srn"), tmp_path / "model.safetensors")


def changed(path, change):
    """The file again with another description."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as handle:
        description = json.loads(handle.metadata()["workbench-model"])
    change(description)
    save_file(load_file(path), path, metadata={"workbench-model": json.dumps(description)})
    return path


def test_another_model_or_other_categories_are_refused(saved):
    with pytest.raises(WorkbenchError, match='holds a "srn" model, not "pooled"'):
        load_model(saved, name="pooled")
    with pytest.raises(WorkbenchError, match=r'model\.safetensors lacks "kite" and has "boat" instead'):
        load_model(saved, categories=Categories([*NAMES[:-1], "kite"]))
    with pytest.raises(WorkbenchError, match="in another order"):
        load_model(saved, categories=Categories(NAMES[::-1]))


def test_weights_go_into_a_model_of_the_same_kind_only(saved):
    model = create_model("srn", NAMES)
    load_weights(model, saved)
    torch.testing.assert_close(model.eval()(pictures())[0], settled("srn")(pictures())[0])
    with pytest.raises(WorkbenchError, match='holds a "srn" model'):
        load_weights(create_model("pooled", NAMES), saved)
    with pytest.raises(WorkbenchError, match="do not match"):
        load_weights(create_model("srn", [*NAMES, "kite"]), saved)
    with pytest.raises(
        WorkbenchError, match=r"missing: attention\.shared\.\S+, .*unexpected: attention\.confidence\.0\.bias.*of another shape"
    ):
        load_weights(create_model("srn", NAMES, variant="released"), saved)


def test_what_is_skipped_may_differ(saved):
    """The trunk of one model into another, the heads left out."""
    model = create_model("pooled", [*NAMES, "kite"])
    fresh = model.fc.weight.clone()
    load_weights(model, saved, skip=("fc.", "attention.", "regularisation."))
    assert torch.equal(model.fc.weight, fresh)
    assert torch.equal(model.backbone.stages[0][0].weight, settled("srn").backbone.stages[0][0].weight)


def test_published_weights_are_not_fetched_to_be_overwritten(saved):
    path = changed(saved, lambda description: description["config"].update(weights="imagenet"))
    assert load_model(path).config["weights"] == "imagenet"


def test_damaged_files_are_told_by_name(saved, tmp_path):
    def refused(path, words):
        with pytest.raises(WorkbenchError, match=words) as caught:
            load_model(path)
        assert str(path) in str(caught.value)

    refused(tmp_path / "absent.safetensors", "no model file")
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(1)}, foreign)
    refused(foreign, "not a model that workbench saved")
    refused(changed(saved, lambda description: description.update(schema=99)), "newer than")
    refused(changed(saved, lambda description: description.update(schema=1, config={"name": "srn"})), "damaged description")
    saved.write_bytes(saved.read_bytes()[:5000])
    refused(saved, "may be truncated")


def test_an_option_of_a_later_version_is_told_with_the_file(saved):
    with pytest.raises(WorkbenchError, match=r'model\.safetensors.*no option "later"'):
        load_model(changed(saved, lambda description: description["config"].update(later=1)))


def test_a_failed_write_leaves_the_old_file_and_nothing_else(saved, monkeypatch):
    before = saved.read_bytes()

    def fail(*_arguments, **_keywords):
        raise OSError("disk full")

    monkeypatch.setattr("workbench.models.checkpoint.save_file", fail)
    with pytest.raises(WorkbenchError, match="disk full"):
        save_model(settled("pooled"), saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]
