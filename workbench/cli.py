"""The command line: parses, calls one command, turns its error into one sentence and exit code 2."""

from __future__ import annotations

import argparse
import errno
import importlib
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext

import workbench
from workbench.commands.said import patient_output
from workbench.errors import WorkbenchError, unwritable
from workbench.terminal import escaped_output
from workbench.training.stopping import listening

COMMANDS = {
    "tour": "train the small models on drawn scenes, compare them, write a report and archives into runs/tour",
    "train": "train a recipe; started again on the same folder it goes on where it stopped",
    "watch": "follow a training that runs, here or elsewhere, or say how it ended",
    "evaluate": "score a run under a named convention",
    "inspect": "run a trained model over images and keep its maps in an archive",
    "export": "write the explorer of one or more archives as a page that works offline",
    "report": "write a page that compares runs",
    "data": "list, fetch, check and export data sets",
    "recipes": "list what can be trained",
    "lab": "open JupyterLab on a notebook",
    "doctor": "say what is installed, what is missing and what to do about it",
}
TRAINING = ("train", "tour")  # what they print is beside the purpose: a closed pipe does not end them
UNWRITABLE = (errno.ENOSPC, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS)
NO_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory", re.IGNORECASE)
TRAIN_PACKAGES = {"torch", "torchvision", "lightning_fabric", "pycocotools", "tqdm", "captum", "sklearn"}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workbench", description="See why a multi-label image model says what it says.")
    parser.add_argument("--version", action="version", version=f"workbench {workbench.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        module = importlib.import_module(f"workbench.commands.{name}")
        child = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        module.add_arguments(child)
        child.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0, 2 after bad input or a disk that cannot be written to, 130 after Ctrl-C, 143 after SIGTERM."""
    with escaped_output():
        parsed = build_parser().parse_args(arguments)
        with patient_output(parsed.command in TRAINING):
            return _main(parsed)


def _main(parsed: argparse.Namespace) -> int:
    try:
        # JupyterLab asks by itself whether to stop.
        with nullcontext() if parsed.command == "lab" else listening(f"workbench {parsed.command}"):
            return int(parsed.run(parsed) or 0)
    except WorkbenchError as error:
        print(f"workbench {parsed.command}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in TRAIN_PACKAGES:
            raise
        print(
            f'workbench {parsed.command}: this needs {error.name}, which is not installed; run: pip install -e ".[train]"',
            file=sys.stderr,
        )
        return 2
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.stderr.close()
        return 0
    except OSError as error:
        if not isinstance(error.filename, str | bytes | None) or error.errno is None:
            raise
        name = str(error.filename or "The output")
        said = (
            unwritable(name, error) if error.errno in UNWRITABLE else f"{name:.80}: {error.strerror}; check the path and its permissions."
        )
        print(f"workbench {parsed.command}: {said}", file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not NO_MEMORY.search(str(error)):
            raise
        print(f"workbench {parsed.command}: there is not enough memory ({error!s:.120}); ask for smaller or fewer images.", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"\nworkbench {parsed.command}: stopped; start it again to go on.", file=sys.stderr)
        return 128 + getattr(stop, "signal", signal.SIGINT)
