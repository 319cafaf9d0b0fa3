"""Whatever a model is and gives: its scores are understood or asked for, and it is left as it was."""

from __future__ import annotations

import collections
import copy
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from tests.support.net import NAMES, SIZE, Net, made, require_same, seeded
from tests.support.squares import Squares
from tests.support.zoo import Pyramid
from workbench import WorkbenchError, inspect, predictor
from workbench.foreign import as_module, logits_of


@pytest.fixture(scope="module")
def plain():
    return made(seeded())


# the caller's model


def state_of(model):
    return (
        [part.training for part in model.modules()],
        [(weight.requires_grad, weight.grad is None) for weight in model.parameters()],
        [len(part._forward_hooks) + len(part._forward_pre_hooks) + len(part._backward_hooks) for part in model.modules()],
        {key: value.clone() for key, value in model.state_dict().items()},
    )


def test_a_model_in_the_middle_of_a_training_is_left_as_it_was():
    model = seeded().train()
    model.norm.eval()  # a part that its owner keeps frozen
    model.head.weight.grad = torch.ones_like(model.head.weight)
    model.first.weight.requires_grad = False
    before, random = state_of(model), torch.random.get_rng_state()
    inspect(model, Squares(3), maps="last", categories=NAMES, size=SIZE, attributions=["integrated_gradients"])
    predictor(model, "last", categories=NAMES, size=SIZE)(Squares(2).pixels(SIZE))
    for wrong in ({"maps": "head"}, {"maps": lambda module, images: 1 / 0}, {"categories": ["a"]}):
        with pytest.raises(WorkbenchError):
            inspect(model, Squares(2), **{"maps": "last", "categories": NAMES, "size": SIZE, **wrong})
    after = state_of(model)
    assert after[:3] == before[:3]
    assert all(torch.equal(after[3][key], value) for key, value in before[3].items())
    assert torch.equal(model.head.weight.grad, torch.ones_like(model.head.weight))
    assert torch.equal(torch.random.get_rng_state(), random)


def test_eval_is_not_called_and_gradients_may_be_switched_off_around(plain):
    class Stubborn(Net):
        def eval(self):
            raise NotImplementedError

    torch.manual_seed(0)
    model = Stubborn().requires_grad_(False)
    with torch.no_grad():
        require_same(made(model), plain)
    with torch.inference_mode():
        require_same(made(model), plain)


# what a model gives

OUTPUTS = {
    "a dict": lambda features, logits: {"features": features, "logits": logits},
    "a dict of other keys": lambda features, logits: {"embedding": features, "y": logits},
    "features first": lambda features, logits: (features, logits),
    "logits first": lambda features, logits: [logits, features],
    "a named tuple": lambda features, logits: collections.namedtuple("Out", "aux logits")(logits.neg(), logits),
    "an object": lambda features, logits: type("Out", (), {})() if logits is None else Held(logits, features),
    "one position": lambda features, logits: logits[:, :, None, None],
}


class Held:
    def __init__(self, logits, features):
        self.logits, self.features = logits, features


@pytest.mark.parametrize("output", OUTPUTS)
def test_logits_are_found_in_what_a_model_gives(output, plain):
    require_same(made(seeded(wrap=OUTPUTS[output])), plain)


def test_an_output_that_may_be_two_things_is_asked_about(plain):
    two = seeded(wrap=lambda features, logits: (logits, logits.neg()))
    with pytest.raises(WorkbenchError, match=r"More than one part.*0: \[1, 3\], 1: \[1, 3\].*output=0"):
        made(two)
    require_same(made(two, output=0), plain)
    require_same(made(two, output=lambda out: -out[1]), plain)
    with pytest.raises(WorkbenchError, match="has no part 2"):
        made(two, output=2)
    with pytest.raises(WorkbenchError, match=r"\[1, 3, 10\].*more than one score for a label"):
        made(seeded(wrap=lambda features, logits: logits[:, :, None].expand(-1, -1, 10)))
    with pytest.raises(WorkbenchError, match=r"holds no logits \[B, 3\]"):
        made(seeded(wrap=lambda features, logits: (features, features)))


def test_one_label_alone():
    torch.manual_seed(0)
    model = Net(count=1, wrap=lambda features, logits: logits[:, 0])
    pictures = [Squares(3).image(index) for index in range(3)]
    inspection = inspect(model, pictures, maps={"cam": "last"}, categories=["red"], size=SIZE)
    assert inspection.logits().shape == (3, 1)
    assert logits_of((torch.zeros(2, 8), torch.ones(2, 1)), 1).tolist() == [[1], [1]]


def test_names_are_the_models_own(plain):
    model = seeded()
    model.config = type("Config", (), {"id2label": {1: "green", 0: "red", 2: "blue"}, "image_size": SIZE})()
    found = inspect(model, Squares(4), maps="last", measure=False)
    assert list(found.categories) == NAMES
    assert found.frame == (SIZE, SIZE)
    require_same(found, plain)
    model.config.id2label = {0: "crane", 1: "crane", 2: "ox"}
    assert list(predictor(model).categories) == ["crane (0)", "crane (1)", "ox"]


# number types and forms of a network


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-5), (torch.bfloat16, 0.15), (torch.float16, 0.02)])
def test_weights_of_another_number_type(dtype, tolerance, plain):
    require_same(made(seeded().to(dtype)), plain, tolerance)


def test_wrappers_are_seen_through(plain):
    require_same(made(nn.DataParallel(seeded())), plain)
    compiled = torch.compile(seeded(), backend="eager")
    require_same(made(compiled), plain)
    assert as_module(compiled) is compiled._orig_mod


def test_graphs_functions_and_sessions_give_scores_and_say_what_they_cannot(plain):
    model = seeded().eval()
    example = torch.rand(2, 3, SIZE, SIZE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated, but people have such files
        forms = {"traced": torch.jit.trace(model, example)}
    forms["exported"] = torch.export.export(model, (example,), strict=False)  # two images at once, and no others
    forms["function"] = lambda images: model(images)
    forms["session"] = Session(model, batch=2)
    for name, form in forms.items():
        cam = None if name == "session" else ["integrated_gradients"]
        inspection = made(form, maps=None, attributions=["occlusion", *(cam or [])])
        np.testing.assert_allclose(inspection.logits(), plain.logits(), atol=1e-5, err_msg=name)
        with pytest.raises(WorkbenchError, match="runs as one graph whose layers cannot be watched"):
            made(form)
    with pytest.raises(WorkbenchError, match=r"scores without gradients.*occlusion"):
        made(forms["session"], maps=None, attributions=["integrated_gradients"])
    measured = made(forms["session"], maps=None, attributions=["occlusion"], measure=True)
    assert "deletion" in measured.measurements
    with pytest.raises(WorkbenchError, match=r"str is no model|There is no run"):
        made("nothing")
    with pytest.raises(WorkbenchError, match="int is no model"):
        made(3)


class Session:
    """As ONNX Runtime's sessions are asked."""

    def __init__(self, model, batch):
        self.model, self.batch = model, batch

    def get_inputs(self):
        return [type("Input", (), {"name": "images", "type": "tensor(float)", "shape": [self.batch, 3, SIZE, SIZE]})()]

    def get_outputs(self):
        return [type("Output", (), {"name": name})() for name in ("features", "logits")]

    def run(self, names, inputs):
        (values,) = inputs.values()
        assert values.dtype == np.float32
        assert len(values) == self.batch
        logits = self.model(torch.from_numpy(values)).detach().numpy()
        return [np.zeros((len(values), 8), np.float32), logits]


def test_a_session_of_onnx_runtime(tmp_path, plain):
    pytest.importorskip("onnx", reason="onnx is not installed: no real session was asked")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: no real session was asked")
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.eye(3, dtype=np.float32) * 3, "weight")
    nodes = [helper.make_node("GlobalAveragePool", ["images"], ["pooled"]), helper.make_node("Flatten", ["pooled"], ["flat"]),
             helper.make_node("MatMul", ["flat", "weight"], ["logits"])]  # fmt: skip
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, SIZE, SIZE])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 3])
    graph = helper.make_model(helper.make_graph(nodes, "g", [images], [logits], [weight]), opset_imports=[helper.make_opsetid("", 17)])
    graph.ir_version = 9
    session = runtime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    inspection = made(session, maps=None, attributions=["occlusion"], scores="logits")
    expected = 3 * Squares(4).pixels(SIZE).mean(axis=(1, 2)) / 255
    np.testing.assert_allclose(inspection.logits(), expected, atol=1e-4)


def test_weights_on_the_meta_device_are_refused():
    with pytest.raises(WorkbenchError, match="on the meta device, where they hold no values"):
        made(Net().to("meta"))


def test_a_model_that_cannot_take_the_size_says_so():
    class Fixed(Net):
        def forward(self, images):
            assert images.shape[-1] == 24, "24 pixels only"
            return super().forward(images)

    with pytest.raises(WorkbenchError, match=r"fails on one image.*24 pixels only.*give size="):
        made(Fixed())


# sizes that are not square


def test_images_that_are_not_square(tmp_path):
    model = seeded()
    inspection = made(model, size=(16, 24), measure=True, attributions=["integrated_gradients"])
    assert inspection.frame == (16, 24)
    assert inspection.grid("grad_cam.last") == (4, 6)
    assert inspection.image(0).size == (24, 16)
    ask = predictor(model, "last", categories=NAMES, size=(16, 24))
    logits, maps = ask(Squares(4).pixels((16, 24)))
    np.testing.assert_allclose(logits, inspection.logits(), atol=1e-5)
    assert maps["grad_cam.last"].shape == (4, 3, 4, 6)
    assert ask.size == (16, 24)
    with pytest.raises(WorkbenchError, match="size is 'big'"):
        made(model, size="big")


# layers that are more than one thing


def test_a_layer_that_runs_twice_or_gives_two_things():
    torch.manual_seed(0)
    model = Pyramid()
    with pytest.warns(UserWarning, match=r'"act" runs 2 times in one pass; the map is of the last\. "act#1" is the first'):
        last = made(model, maps="act", size=64)
    first, second = made(model, maps="act#1", size=64), made(model, maps="act#2", size=64)
    assert (first.grid("grad_cam.act#1"), second.grid("grad_cam.act#2"), last.grid("grad_cam.act")) == ((8, 8), (4, 4), (4, 4))
    for wrong, words in (("act#3", "runs 2 times in one pass, there is no call 3"), ("fork", r"several parts \(fine: .*name one, such as"),
                         ("fork[rough]", 'no part "rough"'), ("head", "no maps .* and no tokens")):  # fmt: skip
        with pytest.raises(WorkbenchError, match=words):
            made(model, maps=wrong, size=64)


# one adapter


def test_a_predictor_takes_what_inspect_takes(plain):
    model = seeded()
    own = {"own": lambda module, images: module.first(images)[:, :3], "cam": "last"}
    options = {"categories": NAMES, "size": SIZE, "attributions": ["occlusion"]}
    logits, maps = predictor(model, own, **options)(Squares(4).pixels(SIZE))
    archive = made(model, maps=own, attributions=["occlusion"], top_labels=3)
    assert set(maps) == {"own", "cam", "occlusion"}
    for kind, values in maps.items():
        for image in range(4):
            labels, stored = archive.maps(kind, image)
            np.testing.assert_allclose(values[image][labels], stored, atol=1e-3 * max(1e-3, np.abs(stored).max()), err_msg=kind)
    assert logits.shape == (4, 3)


def test_a_function_of_maps_may_give_one_tensor():
    found = made(seeded(), maps=lambda module, images: module.first(images)[:, :3])
    assert list(found.map_kinds) == ["map"]
    with pytest.raises(WorkbenchError, match=r'Map "map" has shape \[1, 8, 8, 8\], expected \[B, C, h, w\]'):
        made(seeded(), maps=lambda module, images: module.first(images))
    with pytest.raises(WorkbenchError, match="gave list; it must give a tensor"):
        made(seeded(), maps=lambda module, images: [1])


# no truth


def test_photos_without_labels_have_the_numbers_that_need_no_truth():
    pictures = [Squares(6).image(index) for index in range(6)]
    found = inspect(seeded(), pictures, maps="last", categories=NAMES, size=SIZE, attributions=["occlusion"])
    for measure in ("deletion", "insertion", "sanity", "agreement"):
        for kind in ("grad_cam.last", "occlusion"):
            assert found.measurements[measure][kind], measure
    assert found.measurements["deletion"]["occlusion"]["n"] >= 6
    assert "pointing" not in found.measurements
    copied = copy.deepcopy(found.measurements)
    assert copied["accuracy"]["mAP"] is None
