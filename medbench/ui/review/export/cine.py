"""Cine as animated GIF or as PNG sequence: the dialog, and the writing in a worker."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QCheckBox, QDialog, QFormLayout, QSpinBox, QWidget

from medbench.base.atomic import atomic_file, atomic_folder
from medbench.base.errors import CancelledError
from medbench.session.ports import Handle
from medbench.ui.review.export.frames import FrameRecipe, draw_frame
from medbench.ui.review.export.pictures import png_bytes
from medbench.ui.widgets import Button, SegmentedControl, hbox, label, vbox

_MOST_PX, _LEAST_PX, _USUAL_PX = 2048, 128, 640
_LEAST_MS = 20
"""GIF counts hundredths of a second, and players slow down what is shorter than two."""


@dataclass(frozen=True)
class CineChoice:
    """What the reader wants of a cine."""

    first: int
    last: int
    """From 0, included."""
    frames_per_s: float
    as_recorded: bool = False
    """Frame times of the file instead of a steady rate."""
    longest_px: int = _USUAL_PX
    gif: bool = True

    @property
    def indices(self) -> range:
        """Frames in order."""
        return range(self.first, self.last + 1)


def durations_ms(choice: CineChoice, times_s: Sequence[float]) -> list[int]:
    """How long each frame is shown, in whole hundredths of a second."""
    steady = 1000 / choice.frames_per_s
    found = []
    for index in choice.indices:
        recorded = choice.as_recorded and index < len(times_s)
        wanted = times_s[index] * 1000 if recorded else steady
        found.append(max(_LEAST_MS, round(wanted / 10) * 10))
    return found


class CineDialog(QDialog):
    """Asks for frames, rate, size and format."""

    def __init__(
        self, count: int, times_s: Sequence[float] = (), frames_per_s: int = 10,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        title = self.tr("Export cine")
        self.setWindowTitle(title)
        column = vbox(margins=(20, 16, 20, 16), spacing=10)
        self.setLayout(column)
        column.addWidget(label(title, "page"))
        form = QFormLayout()
        self.form = SegmentedControl(
            [("gif", self.tr("Animated GIF")), ("png", self.tr("PNG sequence"))],
            self.tr("Format"),
        )
        self.first = _number(self.tr("First frame"), 1, count, 1)
        self.last = _number(self.tr("Last frame"), 1, count, count)
        self.rate = _number(self.tr("Frames per second"), 1, 50, frames_per_s)
        self.side = _number(self.tr("Longest side in pixels"), _LEAST_PX, _MOST_PX, _USUAL_PX)
        self.recorded = QCheckBox(self.tr("Frame times of the file"))
        self.recorded.setAccessibleName(self.tr("Frame times of the file"))
        self.recorded.setChecked(bool(times_s))
        self.recorded.setVisible(bool(times_s))
        form.addRow(self.tr("Format"), self.form)
        for words, field in ((self.tr("First frame"), self.first),
                             (self.tr("Last frame"), self.last),
                             (self.tr("Frames per second"), self.rate),
                             (self.tr("Longest side in pixels"), self.side)):  # fmt: skip
            form.addRow(words, field)
        if times_s:
            form.addRow("", self.recorded)
        column.addLayout(form)
        row = hbox()
        row.addStretch(1)
        cancel, self.ok = Button(self.tr("Cancel")), Button(self.tr("Export"), "primary")
        cancel.clicked.connect(self.reject)
        self.ok.clicked.connect(self.accept)
        row.addWidget(cancel)
        row.addWidget(self.ok)
        column.addLayout(row)
        self.first.valueChanged.connect(self._check)
        self.last.valueChanged.connect(self._check)

    @Slot()
    def _check(self, *_: object) -> None:
        self.ok.setEnabled(self.first.value() <= self.last.value())

    @property
    def choice(self) -> CineChoice:
        """What was asked for."""
        return CineChoice(
            self.first.value() - 1, self.last.value() - 1, float(self.rate.value()),
            self.recorded.isChecked(), self.side.value(), self.form.key == "gif",
        )  # fmt: skip


def _number(name: str, low: int, high: int, value: int) -> QSpinBox:
    field = QSpinBox()
    field.setAccessibleName(name)
    field.setRange(low, max(low, high))
    field.setValue(value)
    return field


# in the worker


def write_cine(target: Path, recipe: FrameRecipe, choice: CineChoice, handle: Handle) -> int:
    """Write the frames to ``target``: a GIF, or a folder of PNG files; returns how many.

    Raises
    ------
    CancelledError
        The user said stop; nothing stays.
    BadInputError
        A frame is not there.
    """
    if choice.gif:
        atomic_file(target, _gif_writer(recipe, choice, handle))
    else:
        atomic_folder(target, _png_writer(recipe, choice, handle))
    return len(choice.indices)


def _frames(recipe: FrameRecipe, choice: CineChoice, handle: Handle) -> Iterator[QImage]:
    total = len(choice.indices)
    words = QCoreApplication.translate("Export", "frame {0} of {1}")
    for number, index in enumerate(choice.indices, 1):
        if handle.cancelled():
            raise CancelledError
        yield draw_frame(recipe, index, choice.longest_px)
        handle.progress(number / total, words.format(number, total))


def _gif_writer(recipe: FrameRecipe, choice: CineChoice, handle: Handle) -> Any:
    def write(part: Path) -> None:
        pictures = (_quantised(frame) for frame in _frames(recipe, choice, handle))
        first = next(pictures)
        times = durations_ms(choice, recipe.volume.display.times_s)
        first.save(
            part, format="GIF", save_all=True, append_images=pictures, duration=times, loop=0,
            disposal=1, optimize=False,
        )  # fmt: skip

    return write


def _quantised(frame: QImage) -> Any:
    from PIL import Image

    picture = Image.frombuffer(
        "RGB", (frame.width(), frame.height()), bytes(frame.constBits()), "raw", "RGB",
        frame.bytesPerLine(), 1,
    )  # fmt: skip
    return picture.quantize(256)


def _png_writer(recipe: FrameRecipe, choice: CineChoice, handle: Handle) -> Any:
    def fill(folder: Path) -> None:
        for number, frame in enumerate(_frames(recipe, choice, handle), 1):
            (folder / f"frame-{number:04d}.png").write_bytes(png_bytes(frame))

    return fill
