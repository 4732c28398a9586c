"""Turned and thick pictures: coarse while the hand moves, whole when it rests, newest first."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from medbench.imaging.oblique import SlabMode, cut_slab
from medbench.imaging.reslice import MprPlane, PlaneKind
from medbench.imaging.slab import Slab, cut_values, slab_samples
from medbench.imaging.slanted import SlantedPlane
from medbench.imaging.turned import TurnedPlane
from medbench.session.ports import Handle
from medbench.ui.review.view_model import ViewModel

AT_ONCE_S = 0.012
"""Cuts that take no longer are made where they are drawn."""
_COARSE_S = 0.005
_FEWEST_PIXELS = 96 * 96
_MOST_COARSE_SAMPLES = 12
_START_NS = {True: 45.0, False: 2.0}
"""Per looked-up value of turned and of straight planes, until it was measured."""
_MEMORY = 0.7


class CutSource:
    """Keeps the last whole and the last coarse cut of one viewport."""

    _pace_ns: ClassVar[dict[bool, float]] = dict(_START_NS)
    """Measured on this machine, under its present load; shared by all viewports."""

    def __init__(self, model: ViewModel, kind: PlaneKind, changed: Callable[[], None]) -> None:
        self._model = model
        self._kind = kind
        self._changed = changed
        self._whole: tuple[Any, NDArray[Any]] | None = None
        self._coarse: tuple[Any, NDArray[Any]] | None = None
        self._asked: Any = None

    @classmethod
    def pace_ns(cls, *, turned: bool) -> float:
        """Time a looked-up value takes here and now."""
        return cls._pace_ns[turned]

    def forget(self) -> None:
        """Another display."""
        self._whole, self._coarse, self._asked = None, None, None

    def slab(self, plane: MprPlane | None) -> Slab | None:
        """How thick this plane is shown; stacks without equal steps stay thin."""
        return self._model.plane_state.slab(self._kind) if self.can_be_thick(plane) else None

    def can_be_thick(self, plane: MprPlane | None) -> bool:
        """Whether slices of this plane can be joined."""
        display = self._model.display
        if plane is None or isinstance(plane, SlantedPlane) or display is None:
            return False
        return not display.colour and display.slices > 1

    def serves(self, plane: MprPlane | None) -> bool:
        """Whether the picture has to be computed; others are plain views of the voxels."""
        return isinstance(plane, TurnedPlane) or self.slab(plane) is not None

    def _stamp(self, plane: MprPlane, index: int) -> Any:
        model = self._model
        return model.key, id(model.plane_voxels(self._kind)), plane, self.slab(plane), index

    def _seconds(self, plane: MprPlane, index: int) -> float:
        values = plane.shape[1] * plane.shape[2] * slab_samples(plane, self.slab(plane), index)
        return values * self._pace_ns[isinstance(plane, TurnedPlane)] * 1e-9

    def _ready(self, plane: MprPlane, index: int) -> bool:
        volume = self._model.volume
        if volume is None:
            return False
        if self._kind is PlaneKind.ACQUIRED:
            return index < len(volume.ready) and bool(volume.ready[index])
        return int(volume.ready.sum()) + len(volume.failed) >= len(volume.ready)

    def _settings(self) -> dict[str, Any]:
        model = self._model
        volume = model.volume
        straight = model.plane_voxels(self._kind) is (None if volume is None else volume.voxels)
        return {
            "padding": model.info(0).padding,
            "ready": volume.ready if volume is not None and straight else None,
        }

    def whole(self, plane: MprPlane, index: int, *, wait: bool = False) -> NDArray[Any] | None:
        """Values of the picture, or None while they are being computed.

        ``wait``: the hand moves, so nothing is begun that the next move would drop.
        """
        stamp = self._stamp(plane, index)
        if self._whole is not None and self._whole[0] == stamp:
            return self._whole[1]
        voxels = self._model.plane_voxels(self._kind)
        if voxels is None or not self._ready(plane, index):
            return None
        slab, settings = self.slab(plane), self._settings()
        worker, seconds = self._model.toolbox.worker, self._seconds(plane, index)
        if wait and seconds > _COARSE_S:
            return None
        if worker is None or seconds <= AT_ONCE_S:
            values = self._timed(plane, voxels, index, slab, settings)
            self._whole = (stamp, values)
            return values
        if self._asked == stamp:
            return None
        self._asked = stamp

        def work(handle: Handle) -> NDArray[Any]:
            return cut_values(plane, voxels, index, slab, cancelled=handle.cancelled, **settings)

        def done(values: NDArray[Any]) -> None:
            if self._asked == stamp:
                self._asked = None
            if stamp == self._stamp(plane, index):
                self._whole = (stamp, values)
                self._changed()

        def failed(_sentence: str) -> None:
            if self._asked == stamp:  # dropped for a newer picture: may be asked for again
                self._asked = None

        worker(f"cut {id(self)}", work, done, failed)
        return None

    def coarse(self, plane: MprPlane, index: int, screen: tuple[int, int]) -> NDArray[Any] | None:
        """Fewer pixels of the same picture, so few that they never hold up the hand.

        ``screen`` is its size on the screen in device pixels: never more than that.
        """
        voxels = self._model.plane_voxels(self._kind)
        if voxels is None or not self._ready(plane, index):
            return None
        slab, turned = self.slab(plane), isinstance(plane, TurnedPlane)
        samples = slab_samples(plane, slab, index)
        most = min(samples, _MOST_COARSE_SAMPLES)
        room = max(_FEWEST_PIXELS, _COARSE_S * 1e9 / self._pace_ns[turned] / most)
        wanted = [min(a, b) for a, b in zip(screen, plane.shape[1:], strict=True)]
        shrink = max(1.0, (wanted[0] * wanted[1] / room) ** 0.5)
        shape = tuple(max(2, int(n / shrink)) for n in wanted)
        stamp = (self._stamp(plane, index), shape)
        if self._coarse is not None and self._coarse[0] == stamp:
            return self._coarse[1]
        values = self._timed(
            plane, voxels, index, slab, self._settings(), shape=shape, most_samples=most
        )
        self._coarse = (stamp, values)
        return values

    def _timed(
        self, plane: MprPlane, voxels: Any, index: int, slab: Slab | None,
        settings: dict[str, Any], **less: Any,
    ) -> NDArray[Any]:  # fmt: skip
        begin = time.perf_counter()
        values = cut_values(plane, voxels, index, slab, **settings, **less)
        samples = less.get("most_samples") or slab_samples(plane, slab, index)
        spent = (time.perf_counter() - begin) * 1e9 / max(1, values.size * samples)
        turned = isinstance(plane, TurnedPlane)
        self._pace_ns[turned] = _MEMORY * self._pace_ns[turned] + (1 - _MEMORY) * spent
        return values

    def value_at(self, plane: MprPlane, index: int, row: int, column: int) -> float | None:
        """One value, however the picture is doing; None where there is none."""
        values = self.whole(plane, index, wait=True)
        if values is not None:
            return float(values[row, column])
        voxels = self._model.plane_voxels(self._kind)
        if not isinstance(plane, TurnedPlane) or voxels is None or not self._ready(plane, index):
            return None
        x, y, z = (float(v) for v in plane.point_of(index, row, column))
        spot = replace(plane.grid(index), origin_mm=(x, y, z), shape=(1, 1))
        slab = self.slab(plane) or Slab(SlabMode.MEAN, 0.0)
        found = cut_slab(
            voxels, plane.geometry, spot, slab.thickness_mm, slab.mode, background=np.nan
        )
        return float(found[0, 0])
