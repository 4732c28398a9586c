"""GRU and LSTM layers; on a CPU the time loop of a GRU costs a few operations a step.

The library's GRU records about fifty small operations a time step and direction for the way back;
on short signals and a CPU that book-keeping is most of the work. Here a layer is one node: both
directions advance together, the derivatives of the gates are made for all times at once, and the
gradients of the weights are one product over all times. Weights, gate order and results are those
of `torch.nn.GRU` (a test compares outputs and gradients), which runs on other devices, in lower
precision and while exporting. The library's LSTM is one operation on a CPU already.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

Parts = tuple[torch.Tensor, ...]


class GruTime(torch.autograd.Function):
    """Time loop of a GRU layer (Cho et al. 2014), gates in the order reset, update, new."""

    @staticmethod
    def forward(
        ctx: Any, inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        """(times, directions, n, 3 width), (directions, width, 3 width), (directions, 1, 3 width).

        Returns the states, (times, directions, n, width).
        """
        times, ways, n, wide = inputs.shape
        width = wide // 3
        states = inputs.new_empty(times + 1, ways, n, width)
        states[0] = 0
        gates = inputs.new_empty(times, ways, n, 2 * width)
        recalled = inputs.new_empty(times, ways, n, width)
        news = inputs.new_empty(times, ways, n, width)
        for t, (given, gate, part, new) in enumerate(
            zip(inputs.unbind(), gates.unbind(), recalled.unbind(), news.unbind(), strict=True)
        ):
            before = states[t]
            own = torch.baddbmm(bias, before, weight)
            torch.add(given[..., : 2 * width], own[..., : 2 * width], out=gate).sigmoid_()
            part.copy_(own[..., 2 * width :])
            torch.addcmul(given[..., 2 * width :], gate[..., :width], part, out=new).tanh_()
            torch.lerp(new, before, gate[..., width:], out=states[t + 1])
        ctx.save_for_backward(weight, states, gates, recalled, news)
        return states[1:]

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> Parts:
        """Gradients of inputs, weight and bias."""
        weight, states, gates, recalled, news = ctx.saved_tensors
        times, ways, n, width = news.shape
        reset, update = gates[..., :width], gates[..., width:].contiguous()
        to_new = (1 - update) * (1 - news * news)
        # d(gate) = d(state) x factor; the own part of "new" passes the reset gate
        factors = news.new_empty(times, ways, n, 3, width)
        torch.mul(to_new * recalled, reset * (1 - reset), out=factors[..., 0, :])
        torch.mul(states[:-1] - news, update * (1 - update), out=factors[..., 1, :])
        torch.mul(to_new, reset, out=factors[..., 2, :])
        back = weight.transpose(1, 2).contiguous()
        reached = torch.empty_like(news)
        carried = torch.zeros_like(news[0])
        for own, gate, outer, here in zip(
            reversed(factors.unbind()), reversed(update.unbind()),
            reversed(grads[0].unbind()), reversed(reached.unbind()), strict=True,
        ):  # fmt: skip
            torch.add(outer, carried, out=here)
            own.mul_(here.unsqueeze(2))
            carried = torch.baddbmm(here * gate, own.view(ways, n, 3 * width), back)
        own_grads = _weight_grads(states, factors.view(times, ways, n, 3 * width))
        torch.mul(to_new, reached, out=factors[..., 2, :])
        return factors.view(times, ways, n, 3 * width), *own_grads


def _weight_grads(states: torch.Tensor, own: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of the recurrent weight and its bias, summed over all times in one product."""
    ways = own.shape[1]
    before = states[:-1].transpose(0, 1).reshape(ways, -1, states.shape[-1])
    flat = own.transpose(0, 1).reshape(ways, -1, own.shape[-1])
    return torch.bmm(before.transpose(1, 2), flat), flat.sum(1, keepdim=True)


def gru_layer(net: nn.GRU, layer: int, inputs: torch.Tensor) -> torch.Tensor:
    """One layer of ``net`` from zero states: (times, n, inputs) -> (times, n, ways x width)."""
    ways = 2 if net.bidirectional else 1
    names = [f"l{layer}{'_reverse' if way else ''}" for way in range(ways)]

    def stacked(kind: str) -> list[torch.Tensor]:
        return [getattr(net, f"{kind}_{name}") for name in names]

    weight = torch.cat(stacked("weight_ih"))
    projected = functional.linear(inputs, weight, torch.cat(stacked("bias_ih")))
    times, n, _ = inputs.shape
    given = projected.view(times, n, ways, -1).transpose(1, 2)
    if ways == 2:
        given = torch.stack([given[:, 0], given[:, 1].flip(0)], dim=1)
    own = torch.stack(stacked("weight_hh")).transpose(1, 2).contiguous()
    bias = torch.stack(stacked("bias_hh")).unsqueeze(1)
    states: torch.Tensor = GruTime.apply(given.contiguous(), own, bias)
    if ways == 1:
        return states[:, 0]
    return torch.cat([states[:, 0], states[:, 1].flip(0)], dim=2)


class Recurrent(nn.Module):
    """GRU or LSTM layers with dropout between them, over (n, times, inputs)."""

    def __init__(
        self, kind: str, inputs: int, width: int, layers: int, *, both_ways: bool, dropout: float
    ) -> None:
        super().__init__()
        self.kind = kind
        made = {"gru": nn.GRU, "lstm": nn.LSTM}[kind]
        self.body = made(
            inputs, width, layers, batch_first=True, bidirectional=both_ways,
            dropout=dropout if layers > 1 else 0.0,
        )  # fmt: skip
        self.outputs = width * (2 if both_ways else 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, times, inputs) -> (n, times, ``outputs``)."""
        plain = self.kind != "gru" or x.device.type != "cpu" or x.dtype is not torch.float32
        if plain or torch.is_autocast_enabled(x.device.type) or torch.compiler.is_compiling():
            out: torch.Tensor = self.body(x)[0]
            return out
        steps = x.transpose(0, 1)
        for layer in range(self.body.num_layers):
            if layer:
                steps = functional.dropout(steps, self.body.dropout, self.training)
            steps = gru_layer(self.body, layer, steps)
        return steps.transpose(0, 1)
