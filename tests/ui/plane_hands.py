"""Hands for tests of planes: opening, wheels, and the drag of a rotate handle."""

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from scipy.ndimage import map_coordinates

from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.geometry import Geometry
from medbench.imaging.reslice import PlaneKind
from medbench.imaging.turned import slice_direction_of
from medbench.ui.review.crosshair import cross_lines
from medbench.ui.review.planes.desk import PlaneDesk

AXIAL, CORONAL, SAGITTAL, ACQUIRED = (
    PlaneKind.AXIAL, PlaneKind.CORONAL, PlaneKind.SAGITTAL, PlaneKind.ACQUIRED,
)  # fmt: skip
CUTS = (AXIAL, CORONAL, SAGITTAL)
BOTH = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def act(app, name):
    app.actions_registry.action(f"medbench.review.{name}").trigger()


def desk_of(page):
    return next(f for f in page.features if isinstance(f, PlaneDesk))


def displays(app):
    return [d for s in app.session.library.studies for x in s.series for d in x.displays]


def loaded(page):
    return all(screen.loaded for screen in page.showing.screens)


def opened(app, wait, path):
    page = app.window.workspaces["review"]
    app.window.open_paths([path])
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    wait(lambda: page.model.voi is not None)
    page.showing.set_grid(1, 1)  # a hanging protocol may have put several series on the wall
    page.sync.set_on(on=False)
    return page


def shift_key(app, view, key):
    app.window.activateWindow()  # keys reach commands only in the active window
    app.qt.processEvents()
    QTest.keyClick(view, key, Qt.KeyboardModifier.ShiftModifier)


def in_planes(app, wait, path):
    """The three planes with the crosshair in the hand."""
    page = opened(app, wait, path)
    act(app, "toggle_mpr")
    act(app, "tool_crosshair")
    app.qt.processEvents()
    return page


def write_ramp(tmp_path):
    """A ramp: values grow by 2, 3 and 5 a millimetre along x, y and z."""
    z, y, x = np.ogrid[:30, :40, :48]
    voxels = (2 * x + 3 * y + 5 * 1.5 * z).astype(np.int16)
    geometry = Geometry((30, 40, 48), (1.5, 1.0, 1.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    write_ct_series(tmp_path / "ramp", voxels, geometry, SimulatedPatient("SIM-3", "Sample^Rosa"))
    return tmp_path / "ramp"


def wheel(view, steps, modifiers=Qt.KeyboardModifier.NoModifier):
    at = QPointF(view.rect().center())
    QApplication.sendEvent(
        view,
        QWheelEvent(
            at, view.mapToGlobal(at), QPoint(), QPoint(0, 120 * steps), Qt.MouseButton.NoButton,
            modifiers, Qt.ScrollPhase.NoScrollPhase, False,
        ),
    )  # fmt: skip


def turn_handle(app, view, kind, degrees, modifiers=Qt.KeyboardModifier.NoModifier):
    """Drag a rotate handle round the crosshair; angles clockwise on the screen."""
    line = next(line for line in cross_lines(view) if line.kind is kind)
    handle = line.handles(min(view.width(), view.height()))[-1]
    arm = handle - line.at
    start, radius = np.arctan2(arm.y(), arm.x()), np.hypot(arm.x(), arm.y())
    press = handle.toPoint()
    QTest.mouseMove(view, press)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, modifiers, press)
    for part in np.linspace(0, 1, 6)[1:]:
        angle = start + np.radians(degrees) * part
        at = line.at + QPointF(radius * np.cos(angle), radius * np.sin(angle))
        move_with(view, at, modifiers)
        app.qt.processEvents()
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, modifiers, at.toPoint())
    first = QPointF(press) - line.at
    last = QPointF(at.toPoint()) - line.at
    turned = np.arctan2(last.y(), last.x()) - np.arctan2(first.y(), first.x())
    return float((turned + np.pi) % (2 * np.pi) - np.pi)


def move_with(view, at, modifiers):
    """`QTest.mouseMove` has no modifiers: the event is sent as the window system would."""
    place = QPointF(at.toPoint())
    QApplication.sendEvent(
        view,
        QMouseEvent(
            QEvent.Type.MouseMove, place, view.mapToGlobal(place), Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton, modifiers,
        ),
    )  # fmt: skip


def normals(page):
    return [slice_direction_of(page.model.plane(kind)) for kind in CUTS]


def whole(wait, view):
    """Values once the hand rests."""
    wait(lambda: view.values() is not None)
    return view.values()


def trilinear(volume, geometry, point):
    x, y, z = geometry.index_from_world(point)
    return map_coordinates(volume.astype(float), [[z], [y], [x]], order=1)[0]
