"""Every fault that a training has to survive, made to happen: what the user is told, and what was kept."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.colored_blocks import ColoredBlocks, blocks_recipe
from workbench import cli, files, lock
from workbench.errors import WorkbenchError, unwritable
from workbench.training import Run, batches, loop, stopping, train
from workbench.training.faults import told
from workbench.training.stopping import Stopped, stop_request

ROOT = Path(__file__).parents[2]
RECIPE = blocks_recipe()  # two epochs of six steps


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that nothing befell."""
    return train(RECIPE, tmp_path_factory.mktemp("whole") / "run", progress=False)


def assert_goes_on(folder, whole):
    run = train(RECIPE, folder, progress=False)
    for which in ("last", "best"):
        same = run.weights(which).read_bytes() == whole.weights(which).read_bytes()  # pytest would take minutes to show where they differ
        assert same, f"{which} differs from the run that nothing befell"
    assert not list(folder.glob(".*"))


@contextmanager
def at_step(monkeypatch, step, happens):
    """Call `happens` in the midst of a step of the training, counted from 1; if it returns a number, the loss is multiplied with it."""
    real, calls = loop.loss_terms, 0

    def counting(*arguments):
        nonlocal calls
        calls += torch.is_grad_enabled()  # the check ahead of the first step does not count
        factor = happens() if calls == step and torch.is_grad_enabled() else None
        return {key: value * factor if factor else value for key, value in real(*arguments).items()}

    with monkeypatch.context() as patch:
        patch.setattr(loop, "loss_terms", counting)
        yield


@pytest.mark.parametrize("step", [2, 6, 9], ids=["within an epoch", "last step of an epoch", "second epoch"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_stops(number, step, whole, tmp_path, monkeypatch):
    before = signal.getsignal(number)
    with at_step(monkeypatch, step, lambda: os.kill(os.getpid(), number)), pytest.raises(Stopped) as stopped:
        train(RECIPE, tmp_path / "run", progress=False)
    assert stopped.value.signal == number
    assert signal.getsignal(number) is before
    assert Run.open(tmp_path / "run").position.steps == step
    assert_goes_on(tmp_path / "run", whole)


@pytest.mark.parametrize("number", stopping.SIGNALS)
def test_a_second_signal_does_not_wait(number, monkeypatch, capsys):
    monkeypatch.setattr(stopping, "AGAIN", 0.05)
    with stop_request() as request:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # who stops a group of processes often sends two
        assert request.signal == number
        time.sleep(0.1)
        with pytest.raises(Stopped):
            os.kill(os.getpid(), number)
    assert capsys.readouterr().err.count("was heard, the step that runs is finished and saved") == 1


def test_the_command_says_that_it_can_go_on(tmp_path, monkeypatch, capsys):
    def stop(*_, **__):
        raise Stopped(signal.SIGTERM)

    monkeypatch.setattr(loop, "train", stop)
    assert cli.main(["train", "scenes-srn", "-o", str(tmp_path)]) == 143
    assert "start it again to go on" in capsys.readouterr().err


STUCK = """
import time
from workbench.training import stopping
stopping.GRACE_SECONDS = 0.2
with stopping.stop_request(watched=True):
    print("here", flush=True)
    while True:
        time.sleep(5)
"""


def test_a_process_that_waits_for_a_dead_one_ends_with_a_sentence():
    process = subprocess.Popen([sys.executable, "-c", STUCK], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "here\n"
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 143
    assert "another process of this training has ended" in errors


def test_the_second_training_into_a_folder_is_refused(whole, tmp_path):
    def second(run, row):
        before = {path.name: path.stat().st_mtime_ns for path in run.folder.iterdir()}
        with pytest.raises(WorkbenchError, match=rf"Another training is writing into .*run \(process {os.getpid()}"):
            train(RECIPE, tmp_path / "run", progress=False)
        assert {path.name: path.stat().st_mtime_ns for path in run.folder.iterdir()} == before

    train(RECIPE, tmp_path / "run", progress=False, on_epoch=second)
    assert_goes_on(tmp_path / "run", whole)


HOLDER = """
import os, sys, time
from pathlib import Path
from workbench.lock import locked
with locked(Path(sys.argv[1])):
    if not os.fork():  # as the processes that read images are
        print(os.getpid(), flush=True)  # by the child, which has let go of the lock by then
    time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_killed_process_leaves_no_lock_even_if_its_children_live_on(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    child = int(process.stdout.readline())
    try:
        with pytest.raises(lock.Busy, match=f"process {process.pid}"), lock.locked(tmp_path):
            pass
        process.kill()
        process.wait()
        os.kill(child, 0)  # is there still
        with lock.locked(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        process.stdout.close()
    assert not list(tmp_path.iterdir())


def test_whoever_waits_for_the_lock_gets_it_when_it_is_given_back(tmp_path):
    code = "import sys; from pathlib import Path; from workbench.lock import locked\nwith locked(Path(sys.argv[1]), wait=True): pass"
    with lock.locked(tmp_path):
        process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=1.5)
    assert process.wait(timeout=30) == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of file sizes")
@pytest.mark.parametrize("room", [100, 3000], ids=["nothing", "not the weights"])
def test_a_full_disk(room, whole, tmp_path):
    """A limit of file sizes fails the same writes with a sibling of the error of a full disk."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(WorkbenchError, match="the disk or your quota is full; free some space and start again"):
            train(RECIPE, tmp_path / "run", progress=False, on_epoch=lambda *_: resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    run = Run.open(tmp_path / "run")
    assert len(run.history) == 1
    assert run.model("last") is not None
    assert_goes_on(run.folder, whole)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "is full"),
        (errno.EROFS, "cannot be written to .*another folder"),
        (errno.ENOENT, "is gone"),
        (errno.ENOTDIR, "is a file"),
        (errno.EIO, "cannot be written .*look after the disk"),
    ],
)
def test_every_error_of_a_write_says_what_to_do(number, told):
    sentence = str(unwritable(Path("runs/a/last.safetensors"), OSError(number, os.strerror(number))))
    assert re.search(told, sentence)
    assert "\n" not in sentence


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs permissions as POSIX has them")
def test_a_read_only_folder(whole):
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o555)
        try:
            with somebody_else(), pytest.raises(WorkbenchError, match=r"cannot be written to \(Permission denied\)"):
                train(RECIPE, place / "run", progress=False)
        finally:
            place.chmod(0o755)
        assert not list(place.iterdir())


@contextmanager
def somebody_else():
    """Not the administrator, whom no permission stops."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_vanishes(tmp_path):
    import shutil

    with pytest.raises(WorkbenchError, match="is gone"):
        train(RECIPE, tmp_path / "run", progress=False, on_epoch=lambda run, row: shutil.rmtree(run.folder))


def test_no_memory_left(whole, tmp_path, monkeypatch):
    message = r'Out of memory in stage "all" with 8 images at a time; .*--set stages.all.batch_size=4, .*--set stages.all.accumulate=2'
    with at_step(monkeypatch, 8, lambda: torch.empty(2**50)), pytest.raises(WorkbenchError, match=message):  # a real refusal
        train(RECIPE, tmp_path / "run", progress=False)
    assert len(Run.open(tmp_path / "run").history) == 1
    assert_goes_on(tmp_path / "run", whole)


def test_errors_of_devices_and_peers_are_told_and_others_are_not():
    name, stage = "joint", replace(RECIPE.stages["all"], batch_size=64, accumulate=2)
    cuda = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    assert "with 16 images at a time" in str(told(cuda, name, stage, 2, False))
    assert "batch_size=32" in str(told(cuda, name, stage, 2, False))
    assert "in the evaluation" in str(told(cuda, name, stage, 1, True))
    assert "smaller image_size" in str(told(MemoryError(), name, replace(stage, batch_size=1), 1, False))
    peer = RuntimeError("[gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:30511")
    assert "Another process of this training has ended" in str(told(peer, name, stage, 2, False))
    assert told(peer, name, stage, 1, False) is None
    assert told(RuntimeError("mat1 and mat2 shapes cannot be multiplied"), name, stage, 2, False) is None


def test_what_is_not_finite_names_the_images_and_spoils_nothing(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", -1.0)
    with at_step(monkeypatch, 10, lambda: math.nan), pytest.raises(WorkbenchError) as told:
        train(RECIPE, tmp_path / "run", progress=False)
    batch = batches.epoch_plan(48, 8, 0, 1)[3]
    assert f"step 4, images {', '.join(f'train-{index}' for index in batch[:3])} and 5 more; what was saved before is kept" in str(
        told.value
    )
    assert Run.open(tmp_path / "run").position.steps == 9
    assert_goes_on(tmp_path / "run", whole)


@pytest.mark.parametrize(("clip", "message"), [(1.0, "The gradient became nan"), (0.0, "The weights .* stopped being finite")])
def test_a_gradient_that_is_not_finite_spoils_nothing(clip, message, whole, tmp_path, monkeypatch):
    """A loss may be finite where its slope is not, as that of a root is at zero."""
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", -1.0)
    real, calls = loop.loss_terms, 0

    def steep(*arguments):
        nonlocal calls
        calls += torch.is_grad_enabled()
        terms = real(*arguments)
        return {key: value + (value - value.detach()).sqrt() for key, value in terms.items()} if calls == 10 else terms

    recipe = replace(RECIPE, stages={"all": replace(RECIPE.stages["all"], clip=clip)})
    with monkeypatch.context() as patch:
        patch.setattr(loop, "loss_terms", steep)
        with pytest.raises(WorkbenchError, match=rf"{message}.*what was saved before is kept"):
            train(recipe, tmp_path / "run", progress=False)
    run = Run.open(tmp_path / "run")
    assert run.position.steps == 9
    assert all(bool(value.isfinite().all()) for value in load_file(run.state_path).values())
    if not clip:
        assert_goes_on(run.folder, whole)


def test_what_is_written_is_on_the_disk_before_it_takes_its_name(tmp_path, monkeypatch):
    """Else a power cut may leave an empty file under the name of the last good one."""
    happened = []
    synced, renamed = os.fsync, os.replace

    def fsync(handle):
        happened.append(("flushed", os.readlink(f"/proc/self/fd/{handle}")) if Path("/proc/self/fd").is_dir() else ("flushed", ""))
        synced(handle)

    def replacing(source, target):
        happened.append(("renamed", str(source), str(target)))
        renamed(source, target)

    monkeypatch.setattr(files.os, "fsync", fsync)
    monkeypatch.setattr(files.os, "replace", replacing)
    with files.atomic(tmp_path / "last.safetensors") as temporary:
        temporary.write_bytes(b"weights")
    assert [what for what, *_ in happened] == ["flushed", "renamed", "flushed"]
    assert happened[1][1:] == (str(temporary), str(tmp_path / "last.safetensors"))
    if happened[0][1]:
        assert (happened[0][1], happened[2][1]) == (str(temporary), str(tmp_path))


def test_weights_that_are_not_finite_are_never_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", -1.0)
    stage = replace(RECIPE.stages["all"], optimizer="sgd", schedule="constant", lr=1e38)
    with pytest.raises(WorkbenchError, match=r"stopped being finite|became (nan|inf)"):
        train(replace(RECIPE, stages={"all": stage}), tmp_path / "run", progress=False)
    state = tmp_path / "run" / "state.safetensors"
    assert not state.exists() or all(bool(value.isfinite().all()) for value in load_file(state).values())


def test_a_reading_process_that_dies(whole, tmp_path, monkeypatch):
    real = ColoredBlocks.image

    def deadly(self, index):
        if self.name == "blocks-train" and index == 5 and torch.utils.data.get_worker_info():
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, index)

    with monkeypatch.context() as patch:
        patch.setattr(batches, "MEMORY_LIMIT", 0)
        patch.setattr(ColoredBlocks, "image", deadly)
        with pytest.raises(WorkbenchError, match=r"A process that reads images ended .*--workers 1"):
            train(RECIPE, tmp_path / "run", progress=False, workers=1)
    assert_goes_on(tmp_path / "run", whole)


def unreadable(monkeypatch, *broken):
    real = ColoredBlocks.image

    def image(self, index):
        if f"{self.name}-{index}" in broken:
            raise WorkbenchError(f"pictures/{index}.jpg cannot be read (truncated); get it again or leave it out.")
        return real(self, index)

    monkeypatch.setattr(ColoredBlocks, "image", image)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_image_is_an_error_that_names_it(workers, whole, tmp_path, monkeypatch):
    batch = batches.epoch_plan(48, 8, 0, 0)[3]
    with monkeypatch.context() as patch:
        patch.setattr(batches, "MEMORY_LIMIT", 0)
        unreadable(patch, f"blocks-train-{batch[2]}")
        with pytest.raises(WorkbenchError) as told:
            train(RECIPE, tmp_path / "run", progress=False, workers=workers)
        assert str(told.value).startswith(f"pictures/{batch[2]}.jpg cannot be read")
        assert "\n" not in str(told.value)
    assert Run.open(tmp_path / "run").position.steps == 3, "what could be trained is kept"
    assert_goes_on(tmp_path / "run", whole)


def test_some_broken_images_are_counted_and_left_out_where_the_recipe_allows_it(tmp_path, monkeypatch):
    allowing = RECIPE.with_overrides({"data.skip_broken": "2"})
    with monkeypatch.context() as patch:
        unreadable(patch, "blocks-train-4", "blocks-train-40", "blocks-val-3")
        run = train(allowing, tmp_path / "run", progress=False)
    assert run.history[-1]["images"] == 2 * 46
    kept = json.loads((run.folder / "broken.json").read_text())
    assert {role: list(problems) for role, problems in kept.items()} == {"training": ["train-4", "train-40"], "validation": ["val-3"]}
    again = Run.open(run.folder)
    assert "train-40" not in again.training().ids, "repaired or not, a run is of the images that it saw"
    assert (len(again.training()), len(again.validation())) == (46, 23)


def test_more_broken_images_than_allowed_end_it_and_a_higher_limit_may_follow(tmp_path, monkeypatch):
    unreadable(monkeypatch, "blocks-train-4", "blocks-train-40")
    with pytest.raises(WorkbenchError, match=r"More than 1 images of blocks-train .*the first being train-4: .*data.skip_broken"):
        train(RECIPE.with_overrides({"data.skip_broken": "1"}), tmp_path / "run", progress=False)
    run = train(RECIPE.with_overrides({"data.skip_broken": "2"}), tmp_path / "run", progress=False)
    assert run.recipe.data.skip_broken == 2
