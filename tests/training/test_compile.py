"""torch.compile as an option of a recipe: the same losses, the same resuming, and a sentence where nothing can compile."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from tests.training.colored_blocks import blocks_recipe
from workbench.training import Run, loop, train
from workbench.training.compiling import cannot_compile

ROOT = Path(__file__).parents[2]
RECIPE = replace(blocks_recipe(), compile=True)
needs_a_compiler = pytest.mark.skipif(not (shutil.which("g++") or shutil.which("c++")), reason="no C++ compiler: nothing was compiled")


@pytest.mark.slow
@needs_a_compiler
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")  # of the compiler's own making
def test_compiled_steps_learn_the_same_and_a_stopped_training_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    plain = train(replace(RECIPE, compile=False), tmp_path / "plain", progress=False)
    whole = train(RECIPE, tmp_path / "whole", progress=False)
    for one, other in zip(plain.history, whole.history, strict=True):
        assert other["loss"] == pytest.approx(one["loss"], rel=1e-4)
    with safe_open(plain.weights("last"), "pt") as one, safe_open(whole.weights("last"), "pt") as other:
        assert set(one.keys()) == set(other.keys()), "a checkpoint does not show how it was trained"

    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", -1.0)
    real, calls = loop.loss_terms, 0

    def failing(*arguments):
        nonlocal calls
        calls += torch.is_grad_enabled()
        if calls == 9:
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "loss_terms", failing)
        with pytest.raises(KeyboardInterrupt):
            train(RECIPE, tmp_path / "run", progress=False)
    assert Run.open(tmp_path / "run").position.steps == 8
    again = train(RECIPE, tmp_path / "run", progress=False)
    assert again.weights("last").read_bytes() == whole.weights("last").read_bytes()


@pytest.mark.slow
def test_without_a_compiler_a_sentence_says_what_to_do(tmp_path):
    """The system's own compiler is hidden by naming one that is not there."""
    environment = {**os.environ, "CXX": "no-such-compiler", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "compiled"), "OMP_NUM_THREADS": "1"}
    arguments = ["train", "blocks", "--set", "compile=true", "-o", str(tmp_path / "run"), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.blocks_training", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr[-2000:]
    assert 'torch.compile cannot compile the model in stage "classifier" here' in done.stderr
    assert "--set compile=false" in done.stderr
    assert "Traceback" not in done.stderr


def test_errors_of_the_compiler_are_told_and_others_are_not():
    kind = type("BackendCompilerFailed", (RuntimeError,), {"__module__": "torch._dynamo.exc"})
    error = kind("backend='inductor' raised:\nInvalidCxxCompiler: No working C++ compiler found\n\nSet TORCHDYNAMO_VERBOSE=1")
    said = str(cannot_compile(error, "joint"))
    assert 'in stage "joint" here (InvalidCxxCompiler: No working C++ compiler found)' in said
    assert "\n" not in said
    assert cannot_compile(RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "joint") is None


def test_a_recipe_without_the_option_is_one_that_does_not_compile():
    kept = RECIPE.to_json()
    assert type(RECIPE).from_json(kept) == RECIPE
    del kept["compile"]
    assert type(RECIPE).from_json(kept).compile is False
    assert blocks_recipe().with_overrides({"compile": "true"}).compile is True
