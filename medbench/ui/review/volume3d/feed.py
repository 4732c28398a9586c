"""Pictures of one volume, asked for one at a time: the newest camera wins, the hand never waits."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from shiboken6 import isValid

from medbench.imaging.render3d import Look, VolumePicture, VolumeSource
from medbench.imaging.render3d_camera import Sight
from medbench.session.volume_shelf import VolumeShelf

MOVING_PX = 420
"""Longest side of a picture while the hand moves; the painter magnifies it."""


@dataclass(frozen=True)
class Wanted:
    """What the view would like to show."""

    look: Look
    sight: Sight
    moving: bool = False


class PictureFeed(QObject):
    """Asks the worker; quick pictures are never dropped, so that each move shows something.

    Signals
    -------
    arrived
        `picture` is a newer one, or `failure` says why there is none.
    """

    arrived = Signal()

    def __init__(self, shelf: VolumeShelf, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self._source: VolumeSource | None = None
        self._wanted: Wanted | None = None
        self._asked: Wanted | None = None
        self._ticket = 0
        self._fine = False
        self.shown: Wanted | None = None
        """What `picture` was made for."""
        self.picture: VolumePicture | None = None
        self.failure = ""

    @property
    def source(self) -> VolumeSource | None:
        """The volume that is shown."""
        return self._source

    def show(self, source: VolumeSource | None) -> None:
        """Another volume, or none; what was asked for the old one is dropped."""
        self.stop()
        self._source, self.picture, self.shown, self.failure = source, None, None, ""

    def stop(self) -> None:
        """Nothing is wanted at the moment."""
        self._wanted = None
        if self._asked is not None:
            self._shelf.cancel(self._ticket)

    @property
    def busy(self) -> bool:
        """Whether a picture is being made."""
        return self._asked is not None

    def want(self, look: Look, sight: Sight, *, moving: bool) -> None:
        """Ask for a picture; it may be a quick one first."""
        self._wanted = Wanted(look, sight, moving)
        if self._asked is None:
            self._go()
        elif self._fine and not self._serves(self._asked):
            self._shelf.cancel(self._ticket)  # the quick one comes as soon as it has stopped

    def _serves(self, other: Wanted | None) -> bool:
        wanted = self._wanted
        return (
            wanted is not None
            and other is not None
            and (other.look, other.sight) == (wanted.look, wanted.sight)
        )

    def _go(self) -> None:
        wanted, source = self._wanted, self._source
        if wanted is None or source is None:
            return
        same = self.picture is not None and self._serves(self.shown)
        if same and (wanted.moving or (self.picture is not None and self.picture.fine)):
            return
        self._fine = same
        sight = wanted.sight
        if not self._fine:
            sight = sight.resized(min(1.0, MOVING_PX / max(sight.rows, sight.columns)))
        self._asked = wanted

        def done(picture: VolumePicture) -> None:
            self._done(source, wanted, picture)

        def failed(sentence: str) -> None:
            self._failed(source, wanted, sentence)

        self._ticket = self._shelf.draw(source, wanted.look, sight, done, failed, fine=self._fine)

    def _done(self, source: VolumeSource, wanted: Wanted, picture: VolumePicture) -> None:
        if not isValid(self):
            return
        self._asked = None
        if source is self._source:
            self.picture, self.shown, self.failure = picture, wanted, ""
            self.arrived.emit()
        self._go()

    def _failed(self, source: VolumeSource, wanted: Wanted, sentence: str) -> None:
        if not isValid(self):
            return
        self._asked = None
        if sentence and source is self._source:
            self.failure = sentence
            if self._serves(wanted):  # asking again would end the same way
                self._wanted = None
            self.arrived.emit()
        self._go()
