"""Every measuring tool, driven by mouse and keys; its number against an independent one."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from medbench.domain.measurement import Measurement, MeasurementKind
from medbench.imaging.reslice import PlaneKind

K = MeasurementKind
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Hand:
    """A page with pictures, and a mouse over one of its viewports."""

    def __init__(self, app, wait, path):
        self.app, self.wait = app, wait
        self.page = app.window.workspaces["review"]
        app.window.open_paths([path])
        page = self.page
        wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
        wait(lambda: page.model.voi is not None)
        app.qt.processEvents()
        self.view = page.active
        self.desk = next(f for f in page.features if type(f).__name__ == "MeasureDesk")

    def take(self, tool):
        action = self.app.actions_registry.action(f"medbench.review.tool_{tool}")
        action.trigger()
        assert self.page.toolbox.current == tool

    def at(self, place):
        return self.view.widget_position(*place).toPoint()

    def place(self, point: QPoint):
        return self.view.picture_position(point.toPointF())

    def real(self, place):
        """Where a click on whole screen pixels lands."""
        return self.place(self.at(place))

    def drag(self, start, end, keys=NONE):
        a, b = self.at(start), self.at(end)
        QTest.mousePress(self.view, LEFT, keys, a)
        QTest.mouseMove(self.view, (a + b) / 2)
        QTest.mouseMove(self.view, b)
        QTest.mouseRelease(self.view, LEFT, keys, b)
        self.app.qt.processEvents()

    def click(self, place):
        QTest.mouseMove(self.view, self.at(place))
        QTest.mouseClick(self.view, LEFT, NONE, self.at(place))
        self.app.qt.processEvents()

    def stroke(self, places):
        QTest.mousePress(self.view, LEFT, NONE, self.at(places[0]))
        for place in places[1:]:
            QTest.mouseMove(self.view, self.at(place))
        QTest.mouseRelease(self.view, LEFT, NONE, self.at(places[-1]))
        self.app.qt.processEvents()

    def key(self, key):
        QTest.keyClick(self.view, key)
        self.app.qt.processEvents()

    @property
    def all(self):
        return self.app.session.readings.of(Measurement)

    @property
    def last(self):
        return self.all[-1]

    def value(self, name):
        return self.last.quantity(name).value


@pytest.fixture
def sim(app, wait, ct_folder):
    return Hand(app, wait, ct_folder)


@pytest.fixture
def mr(app, wait, real_data):
    return Hand(app, wait, real_data / "dicom_series" / "mr_brain_tumour_multiseq_study3")


def millimetres(hand, one, two):
    down, right = hand.view.plane.spacing_mm[1:]
    return math.hypot((two[0] - one[0]) * down, (two[1] - one[1]) * right)


def angle_of(hand, start, vertex, end):
    size = np.array(hand.view.plane.spacing_mm[1:])
    a, b = (np.subtract(p, vertex) * size for p in (start, end))
    return math.degrees(math.acos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))


def check_a_length_by_drag_and_by_two_clicks(hand):
    one, two = (10.0, 12.0), (30.0, 50.0)
    hand.take("length")
    hand.drag(one, two)
    wanted = millimetres(hand, hand.real(one), hand.real(two))
    assert hand.value("length") == pytest.approx(wanted, rel=1e-9)
    assert hand.last.quantity("length").badge == "mm"
    three, four = (40.0, 10.0), (44.0, 50.0)
    hand.click(three)
    assert len(hand.all) == 1  # half drawn: nothing is stored
    hand.click(four)
    assert len(hand.all) == 2
    wanted = millimetres(hand, hand.real(three), hand.real(four))
    assert hand.value("length") == pytest.approx(wanted, rel=1e-9)
    assert hand.last.site.sop_instance_uid == hand.view.instance()[0]


def test_escape_drops_what_is_half_drawn(sim):
    sim.take("length")
    sim.click((10.0, 12.0))
    assert sim.desk.drawing
    sim.key(Qt.Key.Key_Escape)
    assert not sim.desk.drawing
    sim.click((30.0, 12.0))
    assert sim.all == ()
    sim.take("angle")  # another tool drops it too
    assert not sim.desk.drawing
    sim.click((20.0, 20.0))
    sim.view.set_index(sim.view.index + 1)  # and so does another picture, at the next click
    sim.click((30.0, 30.0))
    sim.click((30.0, 40.0))
    assert sim.all == ()


def check_bidirectional_axes_stand_across_each_other(hand):
    hand.take("bidirectional")
    hand.drag((10.0, 10.0), (34.0, 40.0))
    hand.drag((30.0, 16.0), (18.0, 44.0))  # the pointer may wander off: the axis stays across
    one = hand.last
    assert one.kind is K.BIDIRECTIONAL
    size = np.array(hand.view.plane.spacing_mm[1:])
    p = np.array(one.points) * size
    assert (p[1] - p[0]) @ (p[3] - p[2]) == pytest.approx(0, abs=1e-6)
    lengths = sorted(np.linalg.norm(p[i + 1] - p[i]) for i in (0, 2))
    assert hand.value("short axis") == pytest.approx(lengths[0])
    assert hand.value("long axis") == pytest.approx(lengths[1])
    assert hand.value("product") == pytest.approx(lengths[0] * lengths[1])


def check_angles(hand):
    start, vertex, end = (10.0, 12.0), (30.0, 20.0), (36.0, 50.0)
    hand.take("angle")
    for place in (start, vertex, end):
        hand.click(place)
    wanted = angle_of(hand, *(hand.real(p) for p in (start, vertex, end)))
    assert hand.value("angle") == pytest.approx(wanted, abs=1e-6)
    hand.take("cobb")
    lines = ((5.0, 5.0), (9.0, 55.0)), ((44.0, 5.0), (40.0, 55.0))
    for a, b in lines:
        hand.drag(a, b)
    (a, b), (c, d) = ((hand.real(p), hand.real(q)) for p, q in lines)
    wanted = angle_of(hand, b, a, tuple(np.add(a, np.subtract(d, c))))
    assert hand.value("Cobb angle") == pytest.approx(min(wanted, 180 - wanted), abs=1e-6)


def inside(kind, points, shape):
    row, column = np.indices(shape)
    p = np.array(points)
    if kind is K.RECTANGLE:
        low, high = p.min(axis=0), p.max(axis=0)
        return (row >= low[0]) & (row <= high[0]) & (column >= low[1]) & (column <= high[1])
    if kind is K.ELLIPSE:
        low, high = p.min(axis=0), p.max(axis=0)
        middle, half = (low + high) / 2, (high - low) / 2
        return ((row - middle[0]) / half[0]) ** 2 + ((column - middle[1]) / half[1]) ** 2 <= 1
    found = np.zeros(shape, bool)
    for (r0, c0), (r1, c1) in zip(p, np.roll(p, -1, axis=0), strict=True):
        if r0 == r1:
            continue
        crosses = (r0 <= row) != (r1 <= row)
        found ^= crosses & (c0 + (row - r0) * (c1 - c0) / (r1 - r0) > column)
    return found


def check_region(hand):
    one = hand.last
    values = np.asarray(hand.view.values(), float)
    kept = values[inside(one.kind, one.points, values.shape)]
    assert len(kept) > 30
    for name, wanted in (
        ("n", len(kept)), ("mean", kept.mean()), ("sd", kept.std()), ("min", kept.min()),
        ("sd sample", kept.std(ddof=1)), ("max", kept.max()),
        ("area", len(kept) * np.prod(hand.view.plane.spacing_mm[1:])),
    ):  # fmt: skip
        assert hand.value(name) == pytest.approx(wanted, rel=1e-9, abs=1e-9), name
    assert one.quantity("sd").badge == "population"


def check_regions_count_what_they_enclose(hand):
    hand.view.set_index(6)
    hand.take("rectangle")
    hand.drag((14.3, 14.2), (30.6, 40.4))
    check_region(hand)
    hand.take("ellipse")
    hand.drag((8.3, 44.2), (33.1, 60.0))
    check_region(hand)
    hand.take("freehand")
    turn = np.linspace(0, 2 * np.pi, 40)
    hand.stroke([(36 + 8 * math.sin(t), 20 + 12 * math.cos(t)) for t in turn])
    assert hand.last.kind is K.FREEHAND
    check_region(hand)
    hand.take("polyline")
    for place in ((4.0, 20.0), (4.0, 36.0), (12.0, 42.0)):
        hand.click(place)
    QTest.mouseClick(hand.view, LEFT, NONE, hand.at((12.0, 22.0)))
    QTest.mouseDClick(hand.view, LEFT, NONE, hand.at((12.0, 22.0)))
    assert hand.last.kind is K.POLYLINE
    assert len(hand.last.points) == 4
    check_region(hand)


@pytest.mark.parametrize("series", ["sim", "mr"])
def test_every_tool_gives_the_number_of_an_independent_computation(series, request):
    hand = request.getfixturevalue(series)
    for index, check in enumerate((
        check_a_length_by_drag_and_by_two_clicks,
        check_bidirectional_axes_stand_across_each_other,
        check_angles,
        check_a_probe_tells_value_and_place,
        check_regions_count_what_they_enclose,
    )):  # fmt: skip
        hand.view.set_index(index)  # each on a picture of its own: marks would be taken hold of
        check(hand)


def test_keys_close_polygons_and_hold_shapes(sim):
    sim.take("polyline")
    for place in ((10.0, 10.0), (10.0, 30.0), (30.0, 30.0), (40.0, 50.0)):
        sim.click(place)
    sim.key(Qt.Key.Key_Backspace)
    sim.key(Qt.Key.Key_Return)
    assert len(sim.last.points) == 3
    sim.click((20.0, 44.0))
    sim.click((24.0, 58.0))
    sim.key(Qt.Key.Key_Return)  # two corners enclose nothing
    assert len(sim.all) == 1
    sim.key(Qt.Key.Key_Escape)
    sim.take("ellipse")  # and Shift makes circles
    sim.view.set_index(1)
    sim.drag((10.0, 10.0), (30.0, 24.0), Qt.KeyboardModifier.ShiftModifier)
    points = np.array(sim.last.points)
    axes = np.linalg.norm(points[1] - points[0]), np.linalg.norm(points[3] - points[2])
    assert axes[0] == pytest.approx(axes[1])


def check_a_probe_tells_value_and_place(hand):
    hand.take("probe")
    hand.click((20.0, 30.0))
    assert hand.value("value") == float(hand.view.values()[20, 30])
    wanted = hand.view.plane.point_of(hand.view.index, *hand.real((20.0, 30.0)))
    assert np.allclose(hand.last.points_mm()[0], wanted)


def test_arrows_texts_and_the_magnifier(sim):
    sim.take("arrow")
    sim.drag((10.0, 12.0), (30.0, 40.0))
    assert sim.last.kind is K.ARROW
    assert sim.last.points[0] == pytest.approx(sim.real((10.0, 12.0)))
    sim.take("text")
    sim.click((24.0, 20.0))
    assert len(sim.all) == 1  # not before it is written
    editor = sim.view.findChild(QLineEdit)
    QTest.keyClicks(editor, "Oedema")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert (sim.last.kind, sim.last.text) == (K.TEXT, "Oedema")
    sim.click((34.0, 20.0))
    QTest.keyClick(sim.view.findChildren(QLineEdit)[-1], Qt.Key.Key_Escape)
    assert len(sim.all) == 2
    QTest.mouseDClick(sim.view, LEFT, NONE, sim.at((20.0, 26.0)))  # nothing lies there
    assert len(sim.all) == 2

    sim.view.set_index(1)
    check_the_magnifier(sim)


def check_the_magnifier(sim):
    count = len(sim.all)
    sim.take("magnifier")
    tool = sim.page.toolbox.tool
    before = sim.view.grab().toImage()
    QTest.mousePress(sim.view, LEFT, NONE, sim.at((24.0, 32.0)))
    sim.app.qt.processEvents()
    assert tool.held
    QTest.mouseMove(sim.view, sim.at((20.0, 26.0)))
    seen = sim.view.grab().toImage()
    middle = sim.at((20.0, 26.0))
    # three times as large: 1 pixel beside the middle comes from a third of a pixel beside it
    away = sim.at((20.0, 26.0 - 3 * 0.45)) - QPoint(0, 0)
    assert seen.pixelColor(away).lightness() == pytest.approx(
        before.pixelColor(middle).lightness(), abs=2
    )
    QTest.mouseRelease(sim.view, LEFT, NONE, sim.at((20.0, 26.0)))
    assert not tool.held
    assert len(sim.all) == count


def test_marks_are_dragged_by_handle_and_as_a_whole(sim):
    sim.take("length")
    sim.drag((10.0, 12.0), (10.0, 40.0))
    sim.app.actions_registry.action("medbench.review.tool_window").trigger()
    before = sim.last
    sim.drag((10.0, 40.0), (30.0, 40.0))
    assert len(sim.all) == 1
    moved = sim.last
    assert moved.points[0] == before.points[0]
    assert moved.points[1] == pytest.approx(sim.real((30.0, 40.0)))
    assert sim.value("length") == pytest.approx(millimetres(sim, *moved.points))
    middle = tuple((a + b) / 2 for a, b in zip(*moved.points, strict=True))
    sim.drag(middle, (middle[0] + 6, middle[1] + 4))
    assert sim.value("length") == pytest.approx(millimetres(sim, *moved.points))
    shift = np.subtract(sim.last.points[0], moved.points[0])
    assert np.allclose(shift, np.subtract(sim.last.points[1], moved.points[1]))
    assert np.allclose(shift, (6, 4), atol=0.2)
    history = sim.app.session.history
    for wanted in (moved.points, before.points):
        history.undo()
        assert sim.last.points == wanted
    history.undo()
    assert sim.all == ()
    for _ in range(3):
        history.redo()
    assert np.allclose(np.subtract(sim.last.points[0], moved.points[0]), shift)


def test_an_ellipse_turns_about_its_centre_unless_the_hand_lets_go(sim):
    sim.take("ellipse")
    sim.drag((10.0, 12.0), (30.0, 40.0))
    before = sim.last
    QTest.mousePress(sim.view, LEFT, NONE, sim.at((20.0, 40.0)))
    QTest.mouseMove(sim.view, sim.at((20.0, 50.0)))
    sim.key(Qt.Key.Key_Escape)
    QTest.mouseRelease(sim.view, LEFT, NONE, sim.at((20.0, 50.0)))
    assert sim.all == (before,)
    first = np.array(sim.last.points)
    sim.drag(tuple(first[1]), tuple(first[1] + (8, -3)))
    turned = np.array(sim.last.points)
    assert turned.mean(axis=0) == pytest.approx(first.mean(axis=0))
    long, short = turned[1] - turned[0], turned[3] - turned[2]
    assert long @ short == pytest.approx(0, abs=1e-6)  # pixels are square here
    assert np.linalg.norm(short) == pytest.approx(np.linalg.norm(first[3] - first[2]))
    row, column = np.indices(sim.view.values().shape)
    centre = turned.mean(axis=0)
    u = ((row - centre[0]) * long[0] + (column - centre[1]) * long[1]) / (long @ long) * 2
    v = ((row - centre[0]) * short[0] + (column - centre[1]) * short[1]) / (short @ short) * 2
    kept = np.asarray(sim.view.values())[u * u + v * v <= 1]
    assert sim.value("n") == len(kept)
    assert sim.value("mean") == pytest.approx(kept.mean())


def test_keys_take_tools_and_the_last_one_again(sim):
    registry = sim.app.actions_registry
    wanted = {
        "length": "D", "bidirectional": "Shift+D", "angle": "G", "cobb": "Shift+G",
        "ellipse": "E", "rectangle": "Shift+E", "freehand": "F", "polyline": "Shift+F",
        "arrow": "Shift+A", "text": "Shift+T", "probe": "Q", "magnifier": "Shift+Q",
    }  # fmt: skip
    for tool, key in wanted.items():
        assert registry.spec(f"medbench.review.tool_{tool}").shortcut == key
    sim.view.setFocus()
    sim.app.window.activateWindow()
    sim.wait(sim.view.hasFocus)
    QTest.keyClick(sim.view, Qt.Key.Key_E)
    assert sim.page.toolbox.current == "ellipse"
    QTest.keyClick(sim.view, Qt.Key.Key_W)
    assert sim.page.toolbox.current == "window"
    QTest.keySequence(sim.view, QKeySequence("Ctrl+T"))
    assert sim.page.toolbox.current == "ellipse"
    sim.drag((10.0, 12.0), (30.0, 40.0))
    assert sim.desk.selected == sim.last.measurement_id
    QTest.keyClick(sim.view, Qt.Key.Key_Delete)
    assert sim.all == ()
    sim.app.session.history.undo()
    assert len(sim.all) == 1


def test_the_stack_and_a_plane_give_the_same_numbers_and_show_each_others_marks(mr):
    mr.view.set_index(9)
    mr.take("rectangle")
    mr.drag((120.4, 100.3), (180.2, 170.7))
    stack = mr.last
    mr.app.actions_registry.action("medbench.review.toggle_mpr").trigger()
    mr.app.qt.processEvents()
    axial = mr.page.viewports[PlaneKind.AXIAL]
    acquired = mr.page.viewports[PlaneKind.ACQUIRED]
    places = mr.desk.guide.places(axial, stack)
    assert places is not None
    mr.view = axial
    mr.desk.book.hide(stack, hidden=True)  # its handles would be taken hold of
    mr.drag(places[0], places[1])
    plane = mr.last
    assert plane.site.view == "axial"
    assert plane.site.reformatted
    assert plane.site.grid is not None
    for name in ("n", "mean", "sd", "min", "max", "area"):
        assert mr.value(name) == pytest.approx(stack.quantity(name).value, rel=0.02), name
    # exactly the same outline gives exactly the same numbers
    from medbench.session.measuring import quantities_of
    from medbench.ui.review.measure.placing import ground_of

    again = quantities_of(K.RECTANGLE, places, ground_of(axial).picture)
    for here, there in zip(again, stack.quantities, strict=True):
        assert (here.name, here.unit, here.badge) == (there.name, there.unit, there.badge)
        assert here.value == pytest.approx(there.value, rel=1e-6), here.name
    assert mr.desk.guide.places(acquired, plane) is not None
    acquired.set_index(acquired.index + 1)
    mr.app.qt.processEvents()
    assert mr.desk.guide.places(acquired, plane) is None
    coronal = mr.page.viewports[PlaneKind.CORONAL]
    assert mr.desk.guide.places(coronal, plane) is None
    mr.view = coronal
    mr.take("length")
    one, two = (6.0, 60.0), (14.0, 200.0)
    mr.drag(one, two)
    assert mr.value("length") == pytest.approx(
        millimetres(mr, mr.real(one), mr.real(two)), rel=1e-9
    )
    start, end = (np.array(p) for p in mr.last.points_mm())
    assert np.linalg.norm(end - start) == pytest.approx(mr.value("length"))


def test_ultrasound_and_radiographs_say_where_their_millimetres_come_from(app, wait, radiograph):
    hand = Hand(app, wait, radiograph)
    hand.take("length")
    one, two = (20.0, 20.0), (20.0, 70.0)
    hand.drag(one, two)
    source = hand.view.frame().calibration
    a, b = hand.real(one), hand.real(two)
    assert hand.value("length") == pytest.approx(
        math.hypot((b[0] - a[0]) * source.row_mm, (b[1] - a[1]) * source.column_mm)
    )
    assert hand.last.quantity("length").badge == source.source.value
    from medbench.ui.review.measure.words import main_number

    words = main_number(hand.last)
    assert words.endswith(source.source.value if source.in_mm else "px")


def test_a_large_region_is_counted_away_from_the_window(app, wait, tmp_path):
    from medbench.dicom.write import SimulatedPatient, write_radiograph

    picture = np.random.default_rng(0).integers(0, 4000, (900, 1200)).astype(np.uint16)
    file = tmp_path / "cr" / "large.dcm"
    file.parent.mkdir()
    write_radiograph(file, picture, SimulatedPatient("SIM-9", "Sample^Large"), key="b")
    hand = Hand(app, wait, file)
    hand.take("rectangle")
    hand.drag((20.0, 20.0), (880.0, 1180.0))
    (pending,) = hand.desk.book.all()
    assert hand.desk.is_pending(pending)
    assert hand.all == ()
    wait(lambda: hand.all)
    values = np.asarray(hand.view.values(), float)
    kept = values[inside(K.RECTANGLE, hand.last.points, values.shape)]
    assert hand.value("n") == len(kept)
    assert hand.value("mean") == pytest.approx(kept.mean())
    assert hand.value("sd") == pytest.approx(kept.std())
