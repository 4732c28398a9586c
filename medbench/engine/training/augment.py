"""Augmentation of a batch on its device: shifts, turns, zoom, contrast; seeded by the caller."""

from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Augmentation:
    """Ranges, uniform around no change."""

    shift: float
    """Part of the picture's side."""
    turn_deg: float
    zoom: float
    contrast: float
    flip: bool

    @classmethod
    def named(cls, name: str, *, flip: bool) -> "Augmentation | None":
        """``none``, ``mild`` or ``strong``."""
        if name == "none" and not flip:
            return None
        factor = {"none": 0.0, "mild": 1.0, "strong": 2.0}[name]
        return cls(0.06 * factor, 7.0 * factor, 0.08 * factor, 0.15 * factor, flip)

    def apply(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, channels, rows, columns) in 0..1 -> the same, changed."""
        n, device = len(batch), batch.device

        def between(limit: float) -> torch.Tensor:
            return (torch.rand(n, device=device) * 2 - 1) * limit

        angle = between(self.turn_deg) * torch.pi / 180
        zoom = 1 + between(self.zoom)
        mirror = torch.ones(n, device=device)
        if self.flip:
            mirror = torch.where(torch.rand(n, device=device) < 0.5, -mirror, mirror)
        cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
        rows = torch.stack(
            [
                torch.stack([cos * mirror, -sin, 2 * between(self.shift)], dim=1),
                torch.stack([sin * mirror, cos, 2 * between(self.shift)], dim=1),
            ],
            dim=1,
        )
        grid = functional.affine_grid(rows, list(batch.shape), align_corners=False)
        moved = functional.grid_sample(batch, grid, padding_mode="border", align_corners=False)
        gain = (1 + between(self.contrast)).view(n, 1, 1, 1)
        offset = between(self.contrast / 2).view(n, 1, 1, 1)
        return (moved - 0.5) * gain + 0.5 + offset
