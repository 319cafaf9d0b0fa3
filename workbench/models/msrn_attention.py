"""MSRN's attention: for every label and every channel, a softmax over the cells of that channel.

    n[b, k, d, p] = softmax over p of q[k, d] * x[b, d, p]            o[b, k, d] = sum over p of n[b, k, d, p] * x[b, d, p]

with projected maps x [B, D, P] and queries q [K, D], which are labels and groups in one. n has B * K * D * P entries (at 448 px and 84
queries 43 million an image), so it is never made as a whole: a few channels at a time, all queries at once, and again in the backward,
which is closed: with g the gradient of o,

    dL/dx[b, d, p] = sum over k of n * g * (1 + q * (x - o))          dL/dq[k, d] = sum over b of g * (sum over p of n * x^2 - o^2)

Both need sums over cells or over queries only, which are matrix products. A softmax does not change if x is moved, so each channel is
first centred: that keeps the variance accurate and needs no search for the largest product. o is also the gradient of
logsumexp over p of q * x with respect to q, which the tests use.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Entries of n that are alive at a time: small enough for a processor's cache, large enough to keep a GPU busy.
CHUNK_CPU = 2**19
CHUNK_CUDA = 2**23


def attend_channels(projected: Tensor, queries: Tensor) -> Tensor:
    """Pool maps by an attention of their own for each query and channel.

    Args:
        projected: x, [B, D, h, w] or [B, D, P].
        queries: q, [K, D].

    Returns: o, [B, K, D], in float32 (float64 for float64), whatever the precision around it.
    """
    return _AttendChannels.apply(projected.flatten(2), queries)


def contributions(projected: Tensor, queries: Tensor, weights: Tensor, mixing: bool = False) -> Tensor:
    """What each cell adds to a weighted sum of pooled features: maps whose cells add up to it.

    Args:
        projected: x, [B, D, h, w].
        queries: q, [K, D].
        weights: [B, K, D]: a weighted sum for each query, over the channels of its own features; or with `mixing` [B, R, K, D]: R sums
            over the features of all queries.

    Returns: [B, K, h, w], or [B, R, h, w] with `mixing`: sum over d (and k) of weights * n * x.
    """
    batch, channels, *grid = projected.shape
    with torch.no_grad(), torch.autocast(projected.device.type, enabled=False):
        x, center = _centred(projected.flatten(2))
        weights = weights.to(x.dtype)
        result = x.new_zeros(batch, weights.shape[1], x.shape[2])  # [B, K or R, P]
        for image in range(batch):
            for part in _parts(channels, queries.shape[0] * x.shape[2], x.device):
                chosen, q = x[image, part], queries.to(x.dtype)[:, part].T  # [d, P], [d, K]
                n = _weights(chosen, q)  # [d, P, K]
                n *= (chosen + center[image, part])[:, :, None]
                if mixing:
                    result[image] += torch.einsum("rkd,dpk->rp", weights[image, :, :, part], n)
                else:
                    result[image] += torch.einsum("kd,dpk->kp", weights[image, :, part], n)
    return result.unflatten(2, grid)


class _AttendChannels(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, projected: Tensor, queries: Tensor) -> Tensor:
        with torch.autocast(projected.device.type, enabled=False):
            x, center = _centred(projected)
            q = queries.to(x.dtype)
            batch, channels, cells = x.shape
            pooled = x.new_empty(batch * channels, 3, len(q))  # for each channel of each image and query: sums of e, e * x, e * x^2
            flat, spread = x.reshape(-1, cells), q.T.repeat(batch, 1)  # [B * D, P], [B * D, K]
            shift = _shift(flat, spread)  # [B * D, K]
            for part in _parts(len(flat), len(q) * cells, x.device):
                e = _exponentials(flat[part], spread[part], shift[part])  # [c, P, K]
                moments = torch.stack((torch.ones_like(flat[part]), flat[part], flat[part].square()), 1)  # [c, 3, P]
                torch.bmm(moments, e, out=pooled[part])
            total, first, second = pooled.unbind(1)  # [B * D, K]
            mean = first / total
            variance = second / total - mean.square()
            ctx.save_for_backward(x, q, mean, variance, shift + total.log())
            ctx.dtypes = projected.dtype, queries.dtype
            return (mean.view(batch, channels, -1) + center).transpose(1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, q, mean, variance, logarithm = ctx.saved_tensors
        batch, channels, cells = x.shape
        with torch.autocast(x.device.type, enabled=False):
            g = gradient.to(x.dtype).transpose(1, 2).reshape(batch * channels, -1)  # [B * D, K]
            for_queries = for_maps = None
            if ctx.needs_input_grad[1]:
                for_queries = (g * variance).view(batch, channels, -1).sum(0).T.to(ctx.dtypes[1])  # [K, D]
            if ctx.needs_input_grad[0]:
                flat, spread = x.reshape(-1, cells), q.T.repeat(batch, 1)
                slope = g * spread  # n * (g * (1 - q o) + g q x), summed over the queries
                both = torch.stack((g - slope * mean, slope), 1)  # [B * D, 2, K]
                found = torch.empty_like(flat)
                for part in _parts(len(flat), len(q) * cells, x.device):
                    # Queries before cells: that suits this product. A fused addcmul is slow in this layout, two steps are not.
                    n = torch.mul(spread[part, :, None], flat[part, None]).sub_(logarithm[part, :, None]).exp_()  # [c, K, P]
                    constant, linear = torch.bmm(both[part], n).unbind(1)  # [c, P]
                    torch.addcmul(constant, linear, flat[part], out=found[part])
                for_maps = found.view_as(x).to(ctx.dtypes[0])
        return for_maps, for_queries


def _centred(projected: Tensor) -> tuple[Tensor, Tensor]:
    """Maps [B, D, P] in at least float32, each channel of each image with mean 0, and the means [B, D, 1]."""
    x = projected.to(torch.promote_types(projected.dtype, torch.float32)).contiguous()
    center = x.mean(2, keepdim=True)
    return x - center, center


def _shift(x: Tensor, q: Tensor) -> Tensor:
    """The largest of q * x over the cells: [c, P], [c, K] -> [c, K]."""
    low, high = x.aminmax(dim=1, keepdim=True)
    return torch.maximum(q * low, q * high)


def _exponentials(x: Tensor, q: Tensor, less: Tensor) -> Tensor:
    """exp(q * x - less): [c, P], [c, K], [c, K] -> [c, P, K], the layout in which it and the products behind it take least time."""
    return torch.addcmul(-less[:, None], x[:, :, None], q[:, None]).exp_()


def _weights(x: Tensor, q: Tensor) -> Tensor:
    """The attention itself, n, for some channels of one image: [c, P], [c, K] -> [c, P, K]."""
    e = _exponentials(x, q, _shift(x, q))
    return e.div_(e.sum(1, keepdim=True))


def _parts(rows: int, each: int, device: torch.device) -> Iterator[slice]:
    """Slices of `rows` whose `each` entries together stay within the chunk."""
    step = max(1, (CHUNK_CUDA if device.type == "cuda" else CHUNK_CPU) // each)
    for begin in range(0, rows, step):
        yield slice(begin, min(begin + step, rows))
