"""Explorers that a page let go of leave a real kernel, also those among IPython's outputs; the test sends the page's messages."""

import pytest
from jupyter_client import KernelManager

from tests.support.archives import make_contents

pytestmark = pytest.mark.slow
PREPARE = """
import gc, psutil, weakref
from workbench.widgets import AttentionExplorer
made = []
def use():
    gc.collect()
    return psutil.Process().memory_full_info().uss // 1000
def alive():
    gc.collect()
    return sum(each() is not None for each in made)
"""
CELL = "explorer = AttentionExplorer('scenes.safetensors')\nmade.append(weakref.ref(explorer))\nexplorer"


class Kernel:
    """A kernel whose outputs nobody draws."""

    def __init__(self, client):
        self.client = client

    def run(self, code, value="None", silent=False):
        """Run `code`; the text of the expression `value` and the ids of the models that were opened."""
        opened = []

        def hear(message):
            assert message["msg_type"] != "error", message["content"]
            if message["msg_type"] == "comm_open":
                opened.append(message["content"]["comm_id"])

        reply = self.client.execute_interactive(
            code, user_expressions={"it": value}, output_hook=hear, timeout=60, silent=silent, store_history=not silent
        )
        return reply["content"]["user_expressions"]["it"]["data"]["text/plain"], opened

    def ask(self, value):
        return self.run("", value, silent=True)[0]

    def tell(self, model, views, shown=1):
        content = {"ask": "views", "views": views, "page": "a page", "shown": shown}
        message = {"comm_id": model, "data": {"method": "custom", "content": content}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", message))

    def show(self, cell=CELL):
        """Run the cell as a page does that replaces the output of the run before."""
        _, opened = self.run(cell)
        self.tell(opened[-1], "seen")
        return opened[-1]


@pytest.fixture
def kernel(tmp_path):
    make_contents(60, 8, picture=(160, 160)).save(tmp_path / "scenes.safetensors")
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(60)
        kernel = Kernel(client)
        kernel.run(PREPARE)
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_what_is_shown_and_replaced_leaves_the_kernel(kernel):
    before = None

    def run(times):
        nonlocal before
        for _ in range(times):
            model = kernel.show()
            if before:
                kernel.tell(before, "gone")
            before = model

    run(15)
    used = int(kernel.ask("use()"))
    run(40)
    assert kernel.ask("alive()") == "1"
    assert int(kernel.ask("use()")) - used < 5000
    assert kernel.ask("len(Out), len([name for name in get_ipython().user_ns_hidden if name[1:].isdigit()])") == "(1, 1)"


def test_what_has_a_name_stays_and_what_has_none_goes(kernel):
    kernel.tell(kernel.show(), "gone")
    kernel.tell(
        kernel.show(CELL.replace("explorer =", "other =").replace("(explorer)", "(other)").replace("\nexplorer", "\nother")), "gone"
    )
    kernel.run("_ = None")  # a user's own
    assert kernel.ask("(alive(), explorer.comm, other.comm)") == "(2, None, None)"
    kernel.run("del other")
    assert kernel.ask("alive()") == "1"
    kernel.run("explorer")
    assert kernel.ask("(explorer.comm is not None, _ is None)") == "(True, True)"
