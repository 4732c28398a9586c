"""Cine: the time line, what files say of it, and playing in the real window."""

from itertools import pairwise

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from medbench.dicom.cine import cine_timing, read_cine
from medbench.domain.cine import CineOrder, CineSource, CineTiming, CineTrack
from medbench.domain.image import DisplayKind, DisplaySet, FrameRef
from medbench.imaging.reslice import PlaneKind
from medbench.ui.review.cine.desk import CineDesk
from medbench.ui.review.cine.player import CinePlayer

# the time line


def frames_of(track, times):
    return [track.due(t).frame for t in times]


def test_every_frame_is_shown_for_its_own_seconds():
    track = CineTrack([0.1, 0.3, 0.1, 0.5], 0, 3, CineOrder.LOOP)
    assert track.period_s == pytest.approx(1.0)
    assert frames_of(track, [0, 0.09, 0.11, 0.39, 0.41, 0.51, 0.99, 1.01, 1.2]) == [
        0, 0, 1, 1, 2, 3, 3, 0, 1]  # fmt: skip
    assert track.due(0.15).next_s == pytest.approx(0.25)
    assert track.start_of(3) == pytest.approx(0.5)


def test_orders_of_playing():
    steps = [i + 0.5 for i in range(9)]
    loop = CineTrack([1.0] * 6, 1, 4, CineOrder.LOOP)
    assert frames_of(loop, steps) == [1, 2, 3, 4, 1, 2, 3, 4, 1]
    bounce = CineTrack([1.0] * 6, 1, 4, CineOrder.BOUNCE)
    assert frames_of(bounce, steps) == [1, 2, 3, 4, 3, 2, 1, 2, 3]
    once = CineTrack([1.0] * 6, 1, 4, CineOrder.ONCE)
    assert frames_of(once, steps) == [1, 2, 3, 4, 4, 4, 4, 4, 4]
    assert not once.due(2.5).ended
    assert once.due(3.5).ended
    two = CineTrack([1.0] * 6, 2, 3, CineOrder.BOUNCE)
    assert frames_of(two, steps[:4]) == [2, 3, 2, 3]
    alone = CineTrack([1.0] * 6, 2, 2, CineOrder.ONCE)
    assert alone.due(0.1).ended


def test_another_speed_keeps_the_proportions():
    timing = CineTiming((0.1, 0.3, 0.2), CineSource.VECTOR)
    assert timing.rate == pytest.approx(5.0)
    assert timing.at_rate(3, 10.0) == pytest.approx((0.05, 0.15, 0.1))
    assert timing.at_rate(4, 10.0) == pytest.approx((0.1,) * 4)  # another count: nothing is known
    assert CineTiming((30.0,) * 4).begin_rate == 10.0  # nobody waits half a minute
    assert CineTiming((0.04,) * 4).begin_rate == pytest.approx(25.0)


# what files say


def header(**values):
    found = Dataset()
    for keyword, value in values.items():
        setattr(found, keyword, value)
    return found


def test_the_vector_tells_frames_apart():
    found = cine_timing(
        header(NumberOfFrames=4, FrameTimeVector=[0, 40, 120, 40], FrameTime=40,
               RecommendedDisplayFrameRate=10), [0, 1, 2, 3],
    )  # fmt: skip
    assert found.source is CineSource.VECTOR
    assert found.durations_s == pytest.approx((0.04, 0.12, 0.04, 0.04))
    turned = cine_timing(header(NumberOfFrames=4, FrameTimeVector=[0, 40, 120, 40]), [3, 2, 1, 0])
    assert turned.durations_s == pytest.approx((0.04, 0.04, 0.12, 0.04))


@pytest.mark.parametrize(
    ("values", "seconds", "source"),
    [
        ({"RecommendedDisplayFrameRate": 25, "FrameTime": 100}, 0.04, CineSource.RECOMMENDED),
        ({"FrameTime": 50, "CineRate": 7}, 0.05, CineSource.FRAME_TIME),
        ({"CineRate": 8, "ActualFrameDuration": 10}, 0.125, CineSource.CINE_RATE),
        ({"ActualFrameDuration": 200}, 0.2, CineSource.DURATION),
        ({"FrameTimeVector": [0, 10], "FrameTime": 20}, 0.02, CineSource.FRAME_TIME),
        ({"FrameTimeVector": [0, 10, 0], "FrameTime": 20}, 0.02, CineSource.FRAME_TIME),
        ({"FrameTime": 0, "CineRate": 5}, 0.2, CineSource.CINE_RATE),
        ({"FrameTime": -3, "RecommendedDisplayFrameRate": 0}, None, CineSource.NONE),
        ({}, None, CineSource.NONE),
    ],
)
def test_which_attribute_counts(values, seconds, source):
    found = cine_timing(header(NumberOfFrames=3, **values), [0, 1, 2])
    assert found.source is source
    assert found.durations_s == (() if seconds is None else pytest.approx((seconds,) * 3))


def test_order_and_trim():
    found = cine_timing(
        header(NumberOfFrames=9, PreferredPlaybackSequencing=1, StartTrim=3, StopTrim=7),
        list(range(9)),
    )
    assert (found.order, found.first, found.last) == (CineOrder.BOUNCE, 2, 6)
    bad = cine_timing(header(NumberOfFrames=9, StartTrim=30, StopTrim=0), list(range(9)))
    assert (bad.order, bad.first, bad.last) == (CineOrder.LOOP, 0, None)


def test_phases_of_nuclear_medicine_and_moments_of_enhanced_frames():
    phases = [header(ActualFrameDuration=500, NumberOfFramesInPhase=2),
              header(ActualFrameDuration=1000, NumberOfFramesInPhase=1)]  # fmt: skip
    found = cine_timing(header(NumberOfFrames=6, PhaseInformationSequence=phases), list(range(6)))
    assert found.durations_s == (0.5, 0.5, 1.0, 0.5, 0.5, 1.0)
    gate = header(DataInformationSequence=[header(FrameTime=62.5)])
    found = cine_timing(header(NumberOfFrames=16, GatedInformationSequence=[gate]), list(range(16)))
    assert found.rate == pytest.approx(16.0)
    moments = ("20200101120000.00", "20200101120000.25", "20200101120001.00")
    groups = [header(FrameContentSequence=[header(FrameReferenceDateTime=m)]) for m in moments]
    found = cine_timing(
        header(NumberOfFrames=3, PerFrameFunctionalGroupsSequence=groups), [0, 1, 2]
    )
    assert found.durations_s == pytest.approx((0.25, 0.75, 0.75))
    assert found.source is CineSource.MOMENTS


def display_of(path, frames):
    return DisplaySet("d", DisplayKind.MULTIFRAME, "US", "", 8, 8,
                      tuple(FrameRef(path, i) for i in range(frames)))  # fmt: skip


def test_timings_of_real_files(real_data):
    """Against the numbers that pydicom finds in the files."""
    folder = real_data / "dicom_conformance"
    seen = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix not in ("", ".dcm") or not path.is_file():
            continue
        try:
            dataset = pydicom.dcmread(path, stop_before_pixels=True)
            frames = int(dataset.get("NumberOfFrames") or 1)
        except Exception:  # noqa: BLE001 - damaged on purpose; other tests are about these
            continue
        time, rate = dataset.get("FrameTime"), dataset.get("RecommendedDisplayFrameRate")
        if frames < 2 or not time or dataset.get("FrameTimeVector"):
            continue
        seen += 1
        found = read_cine(display_of(path, frames))
        expected = float(rate) if rate else 1000 / float(time)
        assert found.rate == pytest.approx(expected, rel=1e-6), path.name
        assert len(found.durations_s) == frames
        if dataset.get("StopTrim"):
            assert (found.first, found.last) == (0, frames - 1)
    assert seen >= 3
    assert read_cine(display_of(folder / "MANIFEST.csv", 4)) == CineTiming()


# the player, with a clock of its own


class Frames:
    def __init__(self, count, ready=lambda _i: True):
        self.count, self.index, self.shown, self._ready = count, 0, [], ready

    def show(self, index):
        self.index = index
        self.shown.append(index)

    def ready(self, index):
        return self._ready(index)


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(qapp):
    return Clock()


@pytest.fixture
def player(clock):
    made = CinePlayer(clock=clock)
    yield made
    made.stop()


def ticks(player, clock, times):
    for t in times:
        clock.now = 100.0 + t
        player.tick()


def test_late_frames_are_dropped_and_the_speed_stays(player, clock):
    frames = Frames(100)
    player.play(frames, CineTrack([0.1] * 100, 0, 99, CineOrder.LOOP))
    ticks(player, clock, [0.11, 0.21, 0.31])
    assert (frames.shown, player.dropped) == ([1, 2, 3], 0)
    ticks(player, clock, [1.05, 1.15])  # the screen was busy for 0.75 s
    assert frames.shown == [1, 2, 3, 10, 11]
    assert player.dropped == 6
    assert player.rate == pytest.approx(5 / 1.15, rel=0.01)
    player.stop()
    assert not player.playing


def test_it_waits_for_frames_that_are_not_there_and_ends_once(player, clock):
    there = set(range(3))
    frames = Frames(5, lambda i: i in there)
    player.play(frames, CineTrack([0.1] * 5, 0, 4, CineOrder.ONCE))
    ticks(player, clock, [0.11, 0.21, 0.31, 0.41, 0.9])
    assert frames.shown == [1, 2]
    assert player.playing
    there.update((3, 4))
    ticks(player, clock, [1.0])
    assert frames.shown == [1, 2, 4]
    assert not player.playing
    player.play(frames, CineTrack([0.1] * 5, 0, 4, CineOrder.ONCE))  # again, from the start
    assert frames.index == 0
    player.stop()


def test_a_reader_who_scrolls_is_followed(player, clock):
    frames = Frames(50)
    player.play(frames, CineTrack([0.1] * 50, 0, 49, CineOrder.LOOP))
    ticks(player, clock, [0.11, 0.21])
    frames.index = 30
    ticks(player, clock, [0.31, 0.42, 0.53])
    assert frames.index == 32
    player.retime(CineTrack([0.01] * 50, 0, 49, CineOrder.LOOP))
    ticks(player, clock, [0.585])
    assert frames.index == 37
    player.stop()


# in the window


def write_us(path, frames, **values):
    """An ultrasound loop whose frames are as bright as their number."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    found = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    pixels = np.repeat(np.arange(frames, dtype=np.uint8) * 10, 64 * 64).reshape(frames, 64, 64)
    content = {
        "SOPClassUID": UltrasoundMultiFrameImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID, "StudyInstanceUID": generate_uid(),
        "SeriesInstanceUID": generate_uid(), "Modality": "US", "PatientName": "Sample^Loop",
        "PatientID": "SIM-C", "NumberOfFrames": frames, "Rows": 64, "Columns": 64,
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 8,
        "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0, "PixelData": pixels.tobytes(),
        **values,
    }  # fmt: skip
    for keyword, value in content.items():
        setattr(found, keyword, value)
    found.save_as(path, enforce_file_format=True)
    return path


def opened(app, wait, path):
    page = app.window.workspaces["review"]
    app.window.open_paths([path])
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    desk = next(f for f in page.features if isinstance(f, CineDesk))
    page.active.setFocus()
    return page, desk


def key(app, key, modifier=Qt.KeyboardModifier.NoModifier):
    app.window.activateWindow()
    app.qt.processEvents()
    QTest.keyClick(app.window, key, modifier)
    app.qt.processEvents()


def test_c_plays_with_the_times_of_the_file(app, wait, tmp_path):
    file = write_us(
        tmp_path / "loop.dcm", 8, FrameTimeVector=[0, 30, 30, 60, 30, 30, 30, 30],
        FrameIncrementPointer=0x00181065,
    )  # fmt: skip
    page, desk = opened(app, wait, file)
    view = page.active
    view.set_index(0)
    seen = []
    view.index_changed.connect(seen.append)
    key(app, Qt.Key.Key_C)
    wait(lambda: desk.player.playing)
    assert desk.controls.isVisible()
    assert desk.controls.speed.value() == pytest.approx(8 / 0.27, abs=0.05)
    assert "Frame Time Vector" in desk.controls.source.text()
    wait(lambda: len(seen) >= 12)
    assert all((b - a) % 8 >= 1 for a, b in pairwise(seen))
    assert set(seen) == set(range(8)) or desk.player.dropped > 0
    assert "shown" in desk.controls.rate.text()
    assert page.actions_registry.action("medbench.review.toggle_cine").isChecked()
    key(app, Qt.Key.Key_C)
    assert not desk.player.playing
    stopped = view.index
    QTest.qWait(120)
    assert view.index == stopped
    key(app, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    assert not desk.controls.isVisible()


def test_range_order_and_steps_by_hand(app, wait, tmp_path):
    page, desk = opened(app, wait, write_us(tmp_path / "loop.dcm", 10, FrameTime=20))
    view, bar = page.active, desk.controls
    key(app, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    assert bar.isVisible()
    wait(lambda: bar.speed.value() == 50.0)
    assert not desk.player.playing
    bar.first.setValue(3)
    bar.last.setValue(6)
    view.set_index(2)
    forward = [w for w in bar.findChildren(type(bar.play_button)) if "on" in w.accessibleName()]
    for expected in (3, 4, 5, 2):
        QTest.mouseClick(forward[0], Qt.MouseButton.LeftButton)
        assert view.index == expected
    bar.order.setCurrentIndex(bar.order.findData("once"))
    seen = []
    view.index_changed.connect(seen.append)
    QTest.mouseClick(bar.play_button, Qt.MouseButton.LeftButton)
    wait(lambda: desk.player.playing or seen)
    wait(lambda: not desk.player.playing)
    assert view.index == 5
    assert seen == sorted(seen)
    assert set(seen) <= {3, 4, 5}
    bar.speed.setValue(100)
    bar.order.setCurrentIndex(bar.order.findData("bounce"))
    seen.clear()
    QTest.mouseClick(bar.play_button, Qt.MouseButton.LeftButton)
    wait(lambda: len(seen) > 15)
    assert set(seen) <= {2, 3, 4, 5}
    app.window.show_page("cohorts")  # what is hidden does not go on
    assert not desk.player.playing


def test_a_series_that_is_replaced_stops(app, wait, tmp_path, ct_folder):
    page, desk = opened(app, wait, write_us(tmp_path / "loop.dcm", 6, FrameTime=20))
    key(app, Qt.Key.Key_C)
    wait(lambda: desk.player.playing)
    app.window.open_paths([ct_folder])
    wait(lambda: page.model.display.modality == "CT")
    assert not desk.player.playing
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
    view = page.viewports[PlaneKind.ACQUIRED]
    wait(lambda: desk.controls.last.value() == 12)  # the strip speaks of the new series
    view.set_index(0)
    key(app, Qt.Key.Key_C)
    wait(lambda: view.index >= 2)
    assert desk.controls.speed.value() == 10.0
    QTest.mouseClick(view, Qt.MouseButton.MiddleButton, pos=QPoint(60, 60))
    assert desk.player.playing
    key(app, Qt.Key.Key_C)


def test_a_3d_view_goes_round_the_patient(app, wait, ct_folder):
    page, desk = opened(app, wait, ct_folder)
    key(app, Qt.Key.Key_3, Qt.KeyboardModifier.ShiftModifier)
    view = page.showing.screen.volume_view
    wait(lambda: view.fine)
    view.turn_by(-20, -10)
    pitch = view.state.camera.pitch_deg
    angles = []
    view.feed.arrived.connect(lambda: angles.append(view.feed.picture.sight.camera.yaw_deg))
    key(app, Qt.Key.Key_C)
    wait(lambda: desk.player.playing)
    desk.controls.speed.setValue(60)
    assert desk.controls.last.value() == 72
    wait(lambda: len(set(np.round(angles, 3))) > 10)
    steps = np.diff(np.unwrap(angles, period=360))
    assert (steps >= -1e-6).all()
    assert view.state.camera.pitch_deg == pytest.approx(pitch)
    key(app, Qt.Key.Key_C)
    assert not desk.player.playing
    wait(lambda: view.fine)
    key(app, Qt.Key.Key_C)
    wait(lambda: desk.player.playing)
    key(app, Qt.Key.Key_3, Qt.KeyboardModifier.ShiftModifier)  # it leaves the wall
    assert not desk.player.playing
    wait(lambda: not app.volume_pictures.busy)


def test_one_picture_is_nothing_to_play(app, wait, radiograph):
    _page, desk = opened(app, wait, radiograph)
    key(app, Qt.Key.Key_C)
    wait(lambda: any("only one picture" in m.text for m in app.session.messages.log))
    assert not desk.player.playing


def test_a_real_echo_plays_at_its_own_rate(app, wait, real_data):
    file = next((real_data / "dicom_conformance").rglob("US-PAL-8-10x-echo"))
    page, desk = opened(app, wait, file)
    seen = []
    page.active.index_changed.connect(seen.append)
    key(app, Qt.Key.Key_C)
    wait(lambda: desk.player.playing)
    assert desk.controls.speed.value() == pytest.approx(1000 / 76, abs=0.06)
    wait(lambda: len(seen) >= 8)
    assert desk.player.rate <= 1000 / 76 * 1.15
    key(app, Qt.Key.Key_C)
    assert not desk.player.playing


def test_time_points_play(app, wait, real_data):
    page, desk = opened(app, wait, real_data / "dicom_series" / "mr_ge_fmri4d_interleaved")
    display = page.model.display
    assert display.time_count > 3
    key(app, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    wait(lambda: desk.controls.what.isVisible())
    times = [b for b in desk.controls.what.findChildren(type(desk.controls.what._group.button(0)))
             if "Times" in b.text()]  # fmt: skip
    QTest.mouseClick(times[0], Qt.MouseButton.LeftButton)
    assert desk.controls.last.value() == display.time_count
    seen = []
    page.time_bar.slider.valueChanged.connect(seen.append)
    desk.controls.speed.setValue(40)
    key(app, Qt.Key.Key_C)
    wait(lambda: len(seen) >= 4)
    assert page.model.display.time_index in range(display.time_count)
    assert desk.player.playing
    QApplication.processEvents()
    key(app, Qt.Key.Key_C)
    wait(lambda: page.model.volume is not None and page.model.volume.ready.all())
