"""Augmentation of signals: what differs between electrodes, amplifiers and cuts of one heart.

Never a mirror: a trace upside down is another lead, one backwards is no heartbeat at all.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional

NAMES = ("none", "mild", "strong")


@dataclass(frozen=True)
class SignalAugmentation:
    """Ranges, uniform around no change."""

    noise: float
    """Standard deviation, in those of the signal."""
    gain: float
    shift: float
    """Part of the length."""
    stretch: float
    move_steps: bool = True
    """False where each time step has its label: then time stays as it is."""

    @classmethod
    def named(cls, name: str, *, each_step: bool) -> "SignalAugmentation | None":
        """``none``, ``mild`` or ``strong``."""
        if name == "none":
            return None
        factor = {"mild": 1.0, "strong": 2.0}[name]
        return cls(0.05 * factor, 0.1 * factor, 0.04 * factor, 0.05 * factor, not each_step)

    def apply(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, leads + 1, times) -> the same, changed; the last row moves along, unscaled."""
        n, times, device = len(batch), batch.shape[2], batch.device

        def between(limit: float) -> torch.Tensor:
            return (torch.rand(n, 1, device=device) * 2 - 1) * limit

        if self.move_steps:
            at = torch.linspace(-1, 1, times, device=device)[None]
            at = at * (1 + between(self.stretch)) + 2 * between(self.shift)
            grid = torch.stack([at, torch.zeros_like(at)], dim=2)[:, None]
            batch = functional.grid_sample(
                batch[:, :, None], grid, padding_mode="border", align_corners=True
            )[:, :, 0]
        leads, there = batch[:, :-1], (batch[:, -1:] > 0.5).to(batch.dtype)
        spread = leads.std(dim=2, keepdim=True)
        changed = leads * (1 + between(self.gain)[:, :, None])
        changed = changed + self.noise * spread * torch.randn_like(leads)
        return torch.cat([changed * there, there], dim=1)
