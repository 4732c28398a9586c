"""The way of pixels from the library to every screen that shows their display."""

from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from medbench.domain.image import DisplaySet, Volume
from medbench.imaging.reslice import PlaneKind
from medbench.session.session import Session
from medbench.ui.review.screen import Screen
from medbench.ui.review.showing import Showing
from medbench.ui.review.viewport import Viewport


class Feeding(QObject):
    """Hands volumes, slices and right grids to screens.

    Signals
    -------
    arrived : Screen, tuple of int
        Slices may be drawn.
    loaded : Screen
        Every slice of it is there, or has failed.
    shape_failed : Screen, str
        Its planes cannot be cut, and why.
    """

    arrived = Signal(object, object)
    loaded = Signal(object)
    shape_failed = Signal(object, str)

    def __init__(self, session: Session, showing: Showing) -> None:
        super().__init__(showing)
        self._session = session
        self._showing = showing
        library = session.library
        library.volume_opened.connect(self._volume_opened)
        library.slices_ready.connect(self._slices_ready)
        library.volume_loaded.connect(self._volume_loaded)
        library.volume_failed.connect(self._volume_failed)
        session.shaper.shaped.connect(self._shaped)
        session.shaper.failed.connect(self._shape_failed)
        showing.arranged.connect(self.shape)
        showing.view_made.connect(self._view_made)
        for view in showing.every_view():
            self._view_made(view)

    @Slot(object)
    def _view_made(self, view: Viewport) -> None:
        if view.kind is PlaneKind.ACQUIRED:
            view.index_changed.connect(self._index_changed)

    def _of(self, display: DisplaySet) -> tuple[Screen, ...]:
        return tuple(s for s in self._showing.every_screen() if s.shows(display))

    @Slot(object, object)
    def _volume_opened(self, display: DisplaySet, volume: Volume) -> None:
        for screen in self._of(display):
            screen.model.set_volume(volume)

    @Slot(object, object)
    def _slices_ready(self, display: DisplaySet, indices: tuple[int, ...]) -> None:
        for screen in self._of(display):
            screen.model.slices_arrived(indices)
            screen.model.follow_file(screen.stack.index)
            self.arrived.emit(screen, indices)

    @Slot(object, object)
    def _volume_loaded(self, display: DisplaySet, volume: Volume) -> None:
        for screen in self._of(display):
            screen.model.set_volume(volume)
            screen.model.slices_arrived(tuple(range(len(volume.ready))))
            self.loaded.emit(screen)
        self.shape()

    @Slot(object, str)
    def _volume_failed(self, display: DisplaySet, reason: str) -> None:
        for screen in self._of(display):
            screen.model.fail(reason)

    @Slot()
    def shape(self) -> None:
        """Ask for right grids once planes are wanted and every slice is there."""
        for screen in self._showing.screens:
            model, volume = screen.model, screen.model.volume
            if model.linked and model.waits_for_shape and volume is not None and volume.ready.all():
                self._session.shaper.shape(volume)

    @Slot(object, object, object)
    def _shaped(self, display: DisplaySet, voxels: Any, geometry: Any) -> None:
        for screen in self._of(display):
            screen.model.set_shaped(voxels, geometry)

    @Slot(object, str)
    def _shape_failed(self, display: DisplaySet, reason: str) -> None:
        for screen in self._of(display):
            self.shape_failed.emit(screen, reason)

    @Slot(int)
    def _index_changed(self, index: int) -> None:
        view = self.sender()
        if isinstance(view, Viewport):
            view.model.follow_file(index)
            if view.model.display is not None:
                self._session.library.focus(view.model.display, index)
