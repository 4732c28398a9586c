"""What can be played: the pictures of a viewport, the time points of a place."""

from dataclasses import replace
from typing import Any

from shiboken6 import isValid

from medbench.imaging.render3d_camera import Camera
from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.screen import Screen
from medbench.ui.review.time_bar import TimeBar
from medbench.ui.review.viewport import Viewport


class SliceTarget:
    """Pictures of one viewport."""

    def __init__(self, view: Viewport) -> None:
        self.view = view

    @property
    def count(self) -> int:
        """Pictures."""
        return self.view.count if isValid(self.view) else 0

    @property
    def index(self) -> int:
        """The shown one."""
        return self.view.index

    def show(self, index: int) -> None:
        """Show one."""
        self.view.set_index(index)

    def ready(self, index: int) -> bool:
        """Whether it is decoded; a frame that cannot be decoded says so when it is due."""
        volume = self.view.model.volume
        if volume is None:
            return False
        if self.view.kind is not PlaneKind.ACQUIRED or index >= len(volume.ready):
            return True
        return bool(volume.ready[index]) or index in volume.failed


class TurnTarget:
    """A 3-D view that goes once around the patient in steps of five degrees."""

    count = 72

    def __init__(self, view: Any) -> None:
        self.view = view
        self.index = 0
        self._begin: Camera = view.state.camera

    def show(self, index: int) -> None:
        """Show one; zoom and shift stay as they are."""
        self.index = index
        turned = self._begin.orbited(index * 360 / self.count)
        self.view.change(camera=replace(self.view.state.camera, axes=turned.axes))
        self.view.hurry()

    def ready(self, _index: int) -> bool:
        """Whether the picture before is on the screen."""
        return not self.view.feed.busy


class TimeTarget:
    """Time points of the display on one screen."""

    def __init__(self, bar: TimeBar, screen: Screen) -> None:
        self.bar = bar
        self.screen = screen

    @property
    def count(self) -> int:
        """Time points."""
        return self.bar.slider.maximum() + 1

    @property
    def index(self) -> int:
        """The shown one."""
        return self.bar.slider.value()

    def show(self, index: int) -> None:
        """Show one."""
        self.bar.slider.setValue(index)

    def ready(self, index: int) -> bool:
        """The next time point waits until this one is on the screen: none flashes by empty."""
        return self.screen.loaded
