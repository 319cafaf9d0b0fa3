"""Two processes give the gradient and the centres of one."""

import os
import socket

import pytest
import torch
from torch import distributed, multiprocessing

from workbench.losses import DiscriminativeLoss

SIZES = (5, 3)  # images of each process
STEPS = 3


def data():
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(STEPS, sum(SIZES), 4, 6, generator=generator, dtype=torch.float64)
    targets = (torch.rand(STEPS, sum(SIZES), 4, generator=generator) < 0.5).to(torch.int8)
    targets[1, SIZES[0] :] = 0  # a process without a single pair
    targets[2, 0, 0] = -1
    return inputs, targets, torch.randn(6, 6, generator=generator, dtype=torch.float64)


def go(form, on, rows=slice(None)):
    """Loss values, gradients of a shared weight, and the centres, step by step."""
    inputs, targets, weight = data()
    loss = DiscriminativeLoss(4, 6 if on == "features" else 4, form=form, on=on).double()
    found = []
    for step in range(STEPS):
        shared = weight.clone().requires_grad_()
        values = inputs[step, rows] @ shared
        value, logged = loss(values if on == "features" else values.sum(2), targets[step, rows])
        value.backward()
        found.append((value.detach(), shared.grad, loss.centres.centres.clone(), logged))
    return found


def process(rank, port, form, on, folder):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", rank=rank, world_size=2)
    begin = sum(SIZES[:rank])
    found = go(form, on, slice(begin, begin + SIZES[rank]))
    for _, gradient, _, _ in found:
        distributed.all_reduce(gradient)
        gradient /= 2  # what DistributedDataParallel does
    torch.save(found, f"{folder}/{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.slow
@pytest.mark.parametrize(("form", "on"), [("contrastive", "features"), ("two_terms", "features"), ("contrastive", "logits")])
def test_two_processes_equal_one(form, on, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(process, (port, form, on, str(tmp_path)), nprocs=2)
    parts = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    for step, (value, gradient, centres, logged) in enumerate(go(form, on)):
        for part in parts:
            torch.testing.assert_close(part[step][0], value, rtol=0, atol=1e-12)
            torch.testing.assert_close(part[step][1], gradient, rtol=0, atol=1e-10)
            torch.testing.assert_close(part[step][2], centres, rtol=0, atol=1e-12)
            assert part[step][3] == pytest.approx(logged)
    assert gradient.abs().max() > 1e-3
