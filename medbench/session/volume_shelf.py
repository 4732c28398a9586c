"""Pictures of whole volumes, made in a worker of their own."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from medbench.session.ports import Done, Failed, Handle, Runner

if TYPE_CHECKING:
    from medbench.imaging.render3d import Look, VolumePicture, VolumeSource
    from medbench.imaging.render3d_camera import Sight


class VolumeShelf(QObject):
    """One thread for 3-D pictures, so that they wait neither for files nor for cuts."""

    def __init__(self, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner

    def draw(
        self, source: "VolumeSource", look: "Look", sight: "Sight", done: Done, failed: Failed, *,
        fine: bool,
    ) -> int:  # fmt: skip
        """Ask for a picture; ``done`` gets the `VolumePicture`. Returns a ticket for `cancel`.

        ``failed`` gets an empty sentence when the picture was cancelled.
        """

        def work(handle: Handle) -> "VolumePicture":
            from medbench.imaging.render3d import draw

            return draw(source, look, sight, fine=fine, cancelled=handle.cancelled)

        return self._runner.run("volume picture", work, done, failed)

    def pick(
        self, source: "VolumeSource", look: "Look", sight: "Sight", place: tuple[float, float],
        done: Done,
    ) -> None:  # fmt: skip
        """Ask for the patient point seen at (row, column); ``done`` gets (3,) mm, or None."""

        def work(_handle: Handle) -> object:
            from medbench.imaging.render3d import pick, scene_of

            return pick(source, scene_of(source, look), sight, *place)

        def nothing(_sentence: str) -> None:
            done(None)

        self._runner.run("volume pick", work, done, nothing, newest=True)

    def cancel(self, ticket: int) -> None:
        """Drop a picture that is not wanted any more."""
        self._runner.cancel(ticket)
