"""Tilted and irregular stacks on a right grid, made away from the window when planes need it."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from medbench.domain.geometry import Geometry
from medbench.domain.image import Volume
from medbench.session.library import display_key
from medbench.session.ports import Handle, Runner


class VolumeShaper(QObject):
    """Resamples one volume at a time and keeps the last.

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
        self._kept: tuple[str, Any, Geometry] | None = None

    def shape(self, volume: Volume) -> None:
        """Ask for a whole volume on a right grid; answers with `shaped` or `failed`."""
        display, geometry = volume.display, volume.geometry
        assert geometry is not None
        key = display_key(display)
        if self._kept is not None and self._kept[0] == key:
            self.shaped.emit(display, self._kept[1], self._kept[2])
            return

        def work(handle: Handle) -> tuple[Any, Geometry]:
            from medbench.imaging.regular import regularise

            padding = volume.infos[0].padding
            fill = float(padding[0] if padding else volume.voxels.min())
            return regularise(volume.voxels, geometry, fill, handle.cancelled, padding)

        def done(found: tuple[Any, Geometry]) -> None:
            self._kept = (key, *found)
            self.shaped.emit(display, *found)

        def failed(sentence: str) -> None:
            if sentence:
                self.failed.emit(display, sentence)

        self._runner.run("shape", work, done, failed, newest=True)

    def forget(self) -> None:
        """Free what is kept."""
        self._kept = None
