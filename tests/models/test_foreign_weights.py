"""Weights as others save them: tables in tables, prefixes, averages, another classifier, another name, fewer bits, half a file."""

import argparse

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from tests.support.models import NAMES, settled
from workbench.errors import DataWarning, WorkbenchError
from workbench.models import create_model, load_model, load_weights, save_model
from workbench.models.backbone import create_backbone
from workbench.models.torchvision_backbones import STAGES
from workbench.models.weight_files import read_tensors


@pytest.fixture
def source():
    return settled("pooled", seed=1)


@pytest.fixture
def model():
    return settled("pooled", seed=0)


def same(one, other, but=()):
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items() if not name.startswith(tuple(but) or ("\0",)))


def saved(tmp_path, value, name="w.pth"):
    torch.save(value, tmp_path / name)
    return tmp_path / name


def prefixed(prefix, state):
    return {f"{prefix}{name}": value for name, value in state.items()}


WRAPPED = {
    "plain": lambda state: state,
    "state_dict": lambda state: {"epoch": 3, "arch": "x", "state_dict": state, "best_acc": torch.tensor(0.5)},
    "model": lambda state: {"model": state, "args": argparse.Namespace(lr=0.1), "epoch": 3},
    "nested": lambda state: {"checkpoint": {"model": {"state_dict": state}}},
    "parallel": lambda state: {"state_dict": prefixed("module.", state)},
    "compiled": lambda state: prefixed("_orig_mod.", state),
    "compiled in parallel": lambda state: prefixed("module._orig_mod.", state),
    "lightning": lambda state: {"state_dict": prefixed("model.net.", state), "optimizer_states": [{"state": {}}], "lr_schedulers": []},
    "optimiser beside it": lambda state: {"net": state, "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}, "param_groups": []}},
    "settings among the weights": lambda state: {**state, "epoch": 3},
    "averages beside it": lambda state: {"state_dict": state, "state_dict_ema": {name: value + 1 for name, value in state.items()}},
    "average alone": lambda state: {"model_ema": state, "epoch": 1},
    "averaged model": lambda state: {"n_averaged": torch.tensor(3), **prefixed("module.", state)},
    "a tree": lambda state: tree(state),
}


def tree(state):
    root: dict = {}
    for name, value in state.items():
        *parents, leaf = name.split(".")
        node = root
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value
    return root


@pytest.mark.parametrize("kind", WRAPPED)
def test_a_checkpoint_is_understood_however_it_is_wrapped(tmp_path, source, model, kind):
    assert not same(model, source)
    assert load_weights(model, saved(tmp_path, WRAPPED[kind](source.state_dict()))) == ()
    assert same(model, source)


@pytest.mark.parametrize("name", ["state_dict_ema", "model_ema", "ema", "ema.module"])
def test_an_average_is_taken_by_its_name_and_never_by_itself(tmp_path, source, model, name):
    *outer, inner = name.split(".")
    table = {inner: {key: value + 1 if value.is_floating_point() else value for key, value in source.state_dict().items()}}
    path = saved(tmp_path, {"state_dict": source.state_dict(), **({outer[0]: table} if outer else table)})
    load_weights(model, path)
    assert same(model, source)
    load_weights(model, path, entry=name)
    assert torch.equal(model.fc.bias, source.fc.bias + 1)
    assert torch.equal(read_tensors(f"{path}#{name}")["fc.bias"], source.fc.bias + 1)
    with pytest.raises(WorkbenchError, match=r'no weights under "stat_dict"\. Did you mean "state_dict"\?'):
        load_weights(model, path, entry="stat_dict")


def test_several_tables_of_which_none_is_usual_are_named(tmp_path, source, model):
    path = saved(tmp_path, {"student": source.state_dict(), "teacher": source.state_dict()})
    with pytest.raises(WorkbenchError, match=r"several tables of weights, student, teacher; name one, as w\.pth#student"):
        load_weights(model, path)
    assert load_weights(model, path, entry="teacher") == ()


def test_a_classifier_of_another_size_is_skipped_and_listed(tmp_path, source):
    larger = create_model("pooled", [*NAMES, "kite"])
    before = larger.fc.weight.clone()
    path = saved(tmp_path, {"state_dict": prefixed("module.", source.state_dict())})
    with pytest.raises(WorkbenchError, match=r"of another shape: fc\.weight .* name the beginnings to skip: skip=\('fc\.',\)"):
        load_weights(larger, path)
    assert load_weights(larger, path, skip=["fc."]) == ("fc.weight", "fc.bias")
    assert torch.equal(larger.fc.weight, before)
    assert same(larger.backbone, source.backbone)


def test_names_are_mapped(tmp_path, source, model):
    state = {name.replace("backbone.", "trunk.").replace("fc.", "head.cls."): value for name, value in source.state_dict().items()}
    path = saved(tmp_path, state)
    with pytest.raises(WorkbenchError, match="missing: "):
        load_weights(model, path)
    assert load_weights(model, path, rename={"trunk.": "backbone.", "head.cls.": "fc."}) == ()
    assert same(model, source)


@pytest.mark.parametrize("prefix", ["backbone.", "encoder.", "module.", "model.encoder.", ""])
def test_a_backbone_is_found_in_a_whole_network_and_the_rest_is_listed(tmp_path, prefix):
    torch.manual_seed(3)
    network = torchvision.models.resnet18(num_classes=7)
    state = {name: value for name, value in network.state_dict().items() if not name.startswith("fc.")}
    path = saved(tmp_path, {"state_dict": {**prefixed(prefix, state), "decoder.weight": torch.zeros(2, 2)}})
    with pytest.warns(DataWarning, match=r"no part of the backbone resnet18 was left out: decoder\.weight\."):
        backbone = create_backbone("resnet18", path)
    for name, value in backbone.state_dict().items():
        theirs = next(f"{start}{name.removeprefix(ours)}" for start, ours in STAGES.items() if name.startswith(ours))
        assert torch.equal(value, network.state_dict()[theirs]), name


def test_the_published_classifier_is_left_out_without_a_word(tmp_path):
    assert create_backbone("resnet18", saved(tmp_path, torchvision.models.resnet18(num_classes=7).state_dict())) is not None


def test_a_file_is_told_by_its_content_not_by_its_name(tmp_path, source, model):
    save_file(source.state_dict(), tmp_path / "safe.pth")
    assert load_weights(model, tmp_path / "safe.pth") == ()
    assert same(model, source)
    assert load_weights(settled("pooled"), saved(tmp_path, source.state_dict(), "pickled.safetensors")) == ()
    with pytest.raises(WorkbenchError, match=r"pickled\.safetensors is no model that workbench saved; .* call load_weights"):
        load_model(tmp_path / "pickled.safetensors")
    path = save_model(source, tmp_path / "ours.pth")
    assert same(load_model(path), source)
    with pytest.raises(WorkbenchError, match='holds a "pooled" model'):
        load_weights(settled("srn"), path)


def test_half_precision_and_old_checkpoints(tmp_path, source, model):
    assert load_weights(model, saved(tmp_path, {name: value.half() for name, value in source.state_dict().items()})) == ()
    assert model.fc.weight.dtype == torch.float32
    torch.testing.assert_close(model.fc.weight, source.fc.weight.half().float())
    old = {name: value for name, value in source.state_dict().items() if not name.endswith("num_batches_tracked")}
    load_weights(model, saved(tmp_path, old))
    assert torch.equal(model.fc.weight, source.fc.weight)
    torch.save(source.state_dict(), tmp_path / "legacy.pth", _use_new_zipfile_serialization=False)
    load_weights(settled("pooled"), tmp_path / "legacy.pth")


@pytest.mark.parametrize("kept", [0, 1, 8, 100, 2000, -1])
@pytest.mark.parametrize("safe", [False, True])
def test_half_a_file_is_refused_by_name(tmp_path, source, model, kept, safe):
    path = tmp_path / "w.pth"
    save_file(source.state_dict(), path) if safe else torch.save(source.state_dict(), path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WorkbenchError, match=r"w\.pth cannot be read as weights .* it may be truncated"):
        load_weights(model, path)


def test_code_in_a_file_is_not_run(tmp_path, model):
    class Evil:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    with pytest.raises(WorkbenchError, match="holds more than tensors"):
        load_weights(model, saved(tmp_path, {"state_dict": {"fc.weight": torch.zeros(1)}, "args": Evil()}))
    assert not (tmp_path / "ran").exists()
