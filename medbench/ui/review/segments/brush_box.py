"""The part of the panel that says how the brush paints, and how segments are drawn."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QSlider, QVBoxLayout, QWidget

from medbench.ui.review.segments.choice import BODY, SIZES_MM, SegmentChoice
from medbench.ui.review.segments.range_slider import RangeSlider
from medbench.ui.review.segments.words import value_words
from medbench.ui.widgets import SegmentedControl, hbox, label, vbox

_SIZE_STEPS = 200
_NAME_WIDTH, _VALUE_WIDTH = 76, 84


def slider_row(name: str, slider: QWidget) -> tuple[QWidget, QLabel]:
    """Name, slider, value."""
    box = QWidget()
    row = hbox()
    box.setLayout(row)
    title = label(name, "secondary")
    title.setFixedWidth(_NAME_WIDTH)
    row.addWidget(title)
    row.addWidget(slider, 1)
    value = label("")
    value.setFixedWidth(_VALUE_WIDTH)
    value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    row.addWidget(value)
    return box, value


def slider(name: str, top: int, value: int) -> QSlider:
    """A horizontal slider from 0."""
    made = QSlider(Qt.Orientation.Horizontal)
    made.setAccessibleName(name)
    made.setRange(0, top)
    made.setValue(value)
    return made


def size_of_step(step: int) -> float:
    """Brush size of a slider position: equal steps are equal factors."""
    low, high = SIZES_MM
    return round(float(low * (high / low) ** (step / _SIZE_STEPS)), 1)


def step_of_size(size_mm: float) -> int:
    """Inverse of `size_of_step`."""
    low, high = SIZES_MM
    return round(float(np.log(size_mm / low) / np.log(high / low)) * _SIZE_STEPS)


class BrushBox(QWidget):
    """Size, range, limits.

    Signals
    -------
    tool_wanted : str
        Paint, erase or grow was chosen: id of the tool.
    """

    tool_wanted = Signal(str)

    def __init__(self, choice: SegmentChoice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice = choice
        self._only: list[tuple[str, int]] = []
        self._in_mm = True
        column = vbox(spacing=7)
        self.setLayout(column)
        head = hbox()
        head.addWidget(label(self.tr("Brush"), "section"))
        head.addStretch(1)
        modes = (("brush", self.tr("Paint")), ("eraser", self.tr("Erase")),
                 ("grow", self.tr("Grow")))  # fmt: skip
        self.mode = SegmentedControl(modes, self.tr("Brush mode"))
        self.mode.changed.connect(self.tool_wanted)
        head.addWidget(self.mode)
        column.addLayout(head)
        self.diameter = slider(self.tr("Size"), _SIZE_STEPS, step_of_size(choice.brush.size_mm))
        self.diameter.valueChanged.connect(self._size_moved)
        box, self.size_value = slider_row(self.tr("Size"), self.diameter)
        column.addWidget(box)
        self.keep = RangeSlider(self.tr("Keep range"))
        self.keep.changed.connect(self._range_moved)
        box, self.keep_value = slider_row(self.tr("Keep range"), self.keep)
        column.addWidget(box)
        self.limit = QCheckBox(self.tr("Keep to the range"))
        self.limit.setAccessibleName(self.limit.text())
        self.limit.setToolTip(self.tr("Paint only voxels whose values lie in the range"))
        self.limit.clicked.connect(self._limit_clicked)
        column.addWidget(self.limit)
        row = hbox()
        self.inside = QCheckBox(self.tr("Only inside"))
        self.inside.setAccessibleName(self.tr("Paint only inside another segment"))
        self.inside.clicked.connect(self._inside_clicked)
        row.addWidget(self.inside)
        self.inside_of = QComboBox()
        self.inside_of.setAccessibleName(self.tr("Segment to stay inside of"))
        self.inside_of.activated.connect(self._inside_chosen)
        row.addWidget(self.inside_of, 1)
        column.addLayout(row)
        self.sphere = QCheckBox(self.tr("Paint in 3D (sphere)"))
        self.sphere.setAccessibleName(self.sphere.text())
        self.sphere.clicked.connect(self._sphere_clicked)
        column.addWidget(self.sphere)
        self.over = QCheckBox(self.tr("Paint over other segments"))
        self.over.setAccessibleName(self.over.text())
        self.over.clicked.connect(self._over_clicked)
        column.addWidget(self.over)
        self._growing(column)
        choice.brush_changed.connect(self.refresh)
        self.refresh()

    def _growing(self, column: QVBoxLayout) -> None:
        self.grow_box = QWidget()
        inner = vbox(spacing=7)
        self.grow_box.setLayout(inner)
        self.tolerance = slider(self.tr("Tolerance"), 500, round(self._choice.brush.tolerance))
        self.tolerance.valueChanged.connect(self._tolerance_moved)
        box, self.tolerance_value = slider_row(self.tr("Tolerance"), self.tolerance)
        box.setToolTip(self.tr("Around the value you click; a range that is kept goes before it"))
        inner.addWidget(box)
        self.reach = slider(self.tr("Radius"), 200, round(self._choice.brush.reach_mm or 0))
        self.reach.valueChanged.connect(self._reach_moved)
        box, self.reach_value = slider_row(self.tr("Radius"), self.reach)
        inner.addWidget(box)
        column.addWidget(self.grow_box)
        self.grow_box.hide()

    # what is offered

    def set_limits(self, low: float, high: float) -> None:
        """Smallest and largest value of the shown images."""
        self.keep.set_limits(low, high)
        if self._choice.brush.keep is None:
            self.keep.show_values(low, high)
        self.tolerance.blockSignals(True)
        self.tolerance.setRange(0, max(10, round((high - low) / 4)))
        self.tolerance.blockSignals(False)
        self.refresh()

    def offer_masks(self, masks: Sequence[tuple[str, str, int]]) -> None:
        """(words, segmentation, number) of segments on the same grid."""
        self._only = [BODY, *((key, number) for _, key, number in masks)]
        words = [self.tr("the patient (found by itself)"), *(mask[0] for mask in masks)]
        if words != [self.inside_of.itemText(i) for i in range(self.inside_of.count())]:
            self.inside_of.clear()
            self.inside_of.addItems(words)
        if self._choice.brush.only in self._only:
            self.inside_of.setCurrentIndex(self._only.index(self._choice.brush.only))

    def show_unit(self, *, mm: bool) -> None:
        """Whether lengths on the shown images are in millimetres, or in pixels."""
        if mm != self._in_mm:
            self._in_mm = mm
            self.refresh()

    def show_tool(self, tool_id: str) -> None:
        """Another tool is in the hand."""
        if tool_id in ("brush", "eraser", "grow"):
            self.mode.choose(tool_id)
        self.grow_box.setVisible(tool_id == "grow")

    @Slot()
    def refresh(self) -> None:
        """The brush changed."""
        brush = self._choice.brush
        for moved, value in (
            (self.diameter, step_of_size(brush.size_mm)), (self.tolerance, round(brush.tolerance)),
            (self.reach, round(brush.reach_mm or 0)),
        ):  # fmt: skip
            moved.blockSignals(True)
            moved.setValue(value)
            moved.blockSignals(False)
        length = self.tr("{0:.1f} mm") if self._in_mm else self.tr("{0:.1f} px")
        self.size_value.setText(length.format(brush.size_mm))
        self.tolerance_value.setText(f"± {brush.tolerance:g}")
        reach = self.tr("any") if brush.reach_mm is None else self.tr("{0:.0f} mm")
        self.reach_value.setText(reach.format(brush.reach_mm))
        if brush.keep is not None:
            self.keep.show_values(*brush.keep)
        low, high = (value_words(v) for v in self.keep.values)
        self.keep_value.setText(self.tr("{0} to {1}").format(low, high))
        self.keep_value.setEnabled(brush.keep is not None)
        self.limit.setChecked(brush.keep is not None)
        self.sphere.setChecked(brush.sphere)
        self.over.setChecked(brush.over)
        self.inside.setChecked(brush.only is not None)

    # what was changed

    @Slot(int)
    def _size_moved(self, step: int) -> None:
        self._choice.set_brush(size_mm=size_of_step(step))

    @Slot(float, float)
    def _range_moved(self, low: float, high: float) -> None:
        self._choice.set_brush(keep=(low, high))

    @Slot(bool)
    def _limit_clicked(self, checked: bool) -> None:
        self._choice.set_brush(keep=self.keep.values if checked else None)

    @Slot(bool)
    def _inside_clicked(self, checked: bool) -> None:
        at = self.inside_of.currentIndex()
        self._choice.set_brush(only=self._only[at] if checked and at >= 0 else None)

    @Slot(int)
    def _inside_chosen(self, at: int) -> None:
        self._choice.set_brush(only=self._only[at])  # choosing one means to stay inside of it

    @Slot(bool)
    def _sphere_clicked(self, checked: bool) -> None:
        self._choice.set_brush(sphere=checked)

    @Slot(bool)
    def _over_clicked(self, checked: bool) -> None:
        self._choice.set_brush(over=checked)

    @Slot(int)
    def _tolerance_moved(self, value: int) -> None:
        self._choice.set_brush(tolerance=float(value))

    @Slot(int)
    def _reach_moved(self, value: int) -> None:
        self._choice.set_brush(reach_mm=float(value) or None)


class DisplayBox(QWidget):
    """Opacity of the inside, width of the outline."""

    def __init__(self, choice: SegmentChoice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice = choice
        column = vbox(spacing=7)
        self.setLayout(column)
        column.addWidget(label(self.tr("Display"), "section"))
        self.fill = slider(self.tr("Fill"), 100, round(choice.look.fill * 100))
        self.fill.valueChanged.connect(self._fill_moved)
        box, self.fill_value = slider_row(self.tr("Fill"), self.fill)
        column.addWidget(box)
        self.outline = slider(self.tr("Outline"), 40, round(choice.look.outline_px * 10))
        self.outline.valueChanged.connect(self._outline_moved)
        box, self.outline_value = slider_row(self.tr("Outline"), self.outline)
        column.addWidget(box)
        choice.look_changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """The look changed."""
        look = self._choice.look
        self.fill_value.setText(self.tr("{0:.0f} %").format(look.fill * 100))
        self.outline_value.setText(self.tr("{0:.1f} px").format(look.outline_px))

    @Slot(int)
    def _fill_moved(self, value: int) -> None:
        self._choice.set_look(fill=value / 100)

    @Slot(int)
    def _outline_moved(self, value: int) -> None:
        self._choice.set_look(outline_px=value / 10)
