"""Tilted and irregular stacks on a right grid, made away from the window when planes need it."""

from collections import OrderedDict
from typing import Any

from PySide6.QtCore import QObject, Signal

from medbench.domain.geometry import Geometry
from medbench.domain.image import Volume
from medbench.session.library import display_key
from medbench.session.ports import Handle, Runner

KEPT = 2


class VolumeShaper(QObject):
    """Resamples one volume after the other and keeps the last few.

    Signals
    -------
    shaped : DisplaySet, object, Geometry
        Voxels (z, y, x) on the right grid.
    failed : DisplaySet, str
        It cannot be resampled, and why.
    """

    shaped = Signal(object, object, object)
    failed = Signal(object, str)

    def __init__(self, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._kept: OrderedDict[str, tuple[Any, Geometry]] = OrderedDict()
        self._running: set[str] = set()

    def shape(self, volume: Volume) -> None:
        """Ask for a whole volume on a right grid; answers with `shaped` or `failed`."""
        display, geometry = volume.display, volume.geometry
        assert geometry is not None
        key = display_key(display)
        if key in self._kept:
            self._kept.move_to_end(key)
            self.shaped.emit(display, *self._kept[key])
            return
        if key in self._running:
            return
        self._running.add(key)

        def work(handle: Handle) -> tuple[Any, Geometry]:
            from medbench.imaging.regular import regularise

            padding = volume.infos[0].padding
            fill = float(padding[0] if padding else volume.voxels.min())
            return regularise(volume.voxels, geometry, fill, handle.cancelled, padding)

        def done(found: tuple[Any, Geometry]) -> None:
            self._running.discard(key)
            self._kept[key] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            self.shaped.emit(display, *found)

        def failed(sentence: str) -> None:
            self._running.discard(key)
            if sentence:
                self.failed.emit(display, sentence)

        self._runner.run(f"shape {key}", work, done, failed, newest=True)
