"""Widget messages leave from the kernel's loop: in a real kernel, under a flood, up to its end; and without a kernel at once."""

import json
import threading
import time

import pytest
import zmq
from jupyter_client import KernelManager
from jupyter_client.session import DELIM

from tests.support.run_folder import make_run
from workbench.widgets import TrainingMonitor
from workbench.widgets.kernel_loop import in_kernel

# Two threads that are not the kernel's change large and small traits while a third floods stderr.
FLOOD = """
import atexit, sys, threading, time
atexit.register(time.sleep, 0.4)  # the kernel takes its time to end, and its threads run on
import ipykernel.comm.comm as comms
from workbench.widgets import TrainingMonitor

senders, publish = set(), comms.BaseComm.publish_msg
def spy(self, *given, publish=publish, **named):
    senders.add(threading.current_thread().name)
    return publish(self, *given, **named)
comms.BaseComm.publish_msg = spy

monitor = TrainingMonitor({folder!r})
monitor.open()  # as showing it does
def change(monitor=monitor, sleep=time.sleep):
    number = 0
    while True:
        number += 1
        monitor.facts = {{**monitor.facts, "loss": float(number), "problem": "a long sentence " * (5000 if number % 2 else 1)}}
        monitor.send({{"answer": "error", "text": "said " * (20000 if number % 3 else 1), "question": {{}}}})
        sleep(0.004)
def complain(write=sys.stderr.write, sleep=time.sleep):
    while True:
        write("so it goes\\n")
        sleep(0.0005)
for work in (change, change, complain):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
"""


class Listener(threading.Thread):
    """Everything that a kernel publishes, frame by frame: how often each type of message came, and the messages that are broken."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.socket = zmq.Context.instance().socket(zmq.SUB)
        self.socket.subscribe(b"")
        self.socket.rcvhwm = 0
        self.socket.connect(url)
        self.types, self.broken, self.over = {}, [], threading.Event()

    def run(self):
        while not self.over.is_set():
            if self.socket.poll(50):
                self.take(self.socket.recv_multipart())
        self.socket.close(0)

    def take(self, frames):
        try:
            assert frames.count(DELIM) == 1, "two messages in one"
            header, *_ = [json.loads(part) for part in frames[frames.index(DELIM) + 2 :][:4]]
            self.types[header["msg_type"]] = self.types.get(header["msg_type"], 0) + 1
        except (AssertionError, ValueError) as error:
            self.broken.append((str(error), [frame[:40] for frame in frames]))


@pytest.mark.slow
def test_no_message_is_broken_under_a_flood_and_while_the_kernel_ends(tmp_path):
    folder = make_run(tmp_path / "run", 3)
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(60)
        listener = Listener(manager._make_url("iopub"))
        listener.start()
        client.execute_interactive(FLOOD.format(folder=str(folder)), timeout=60, output_hook=lambda message: None)
        time.sleep(0.5)
        said = []
        client.execute_interactive("print(sorted(senders))", timeout=60, output_hook=lambda message: said.append(message["content"]))
        assert "['MainThread']\n" in [content.get("text") for content in said], "another thread sent something"
    finally:
        manager.shutdown_kernel()
        client.stop_channels()
    time.sleep(0.2)
    listener.over.set()
    listener.join()
    assert not listener.broken, listener.broken[:2]
    assert listener.types["comm_msg"] > 50
    assert listener.types["stream"] > 1


def test_without_a_kernel_calls_are_made_at_once_in_any_thread():
    made = []
    in_kernel(lambda: made.append(threading.current_thread()))
    other = threading.Thread(target=in_kernel, args=(lambda: made.append(threading.current_thread()),))
    other.start()
    other.join()
    assert made == [threading.current_thread(), other]


def test_explorers_start_no_threads(tmp_path):
    folder, before = make_run(tmp_path / "run", 2), threading.active_count()
    made = [TrainingMonitor(folder) for _ in range(20)]
    assert threading.active_count() == before
    for each in made:
        each.close()
