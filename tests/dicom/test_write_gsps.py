"""Presentation states and key objects: the same picture again, judged by pydicom and DCMTK."""

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from medbench.base.errors import BadInputError
from medbench.dicom.presentation import apply_presentation, read_presentation
from medbench.dicom.report import read_report
from medbench.dicom.scan import scan
from medbench.dicom.writing.graphics import measurement_graphics
from medbench.dicom.writing.gsps import write_presentations
from medbench.dicom.writing.heading import source_study
from medbench.dicom.writing.key_objects import write_key_objects
from medbench.domain.image import GraphicObject, OverlayPlane, VoiFunction, VoiLut, VoiWindow
from medbench.domain.measurement import Measurement, MeasurementKind, Site
from medbench.domain.shown import ShownFrame, ShownPictures, VisibleArea
from medbench.formats.opening import open_display
from medbench.imaging.presentation import decorate
from medbench.imaging.window import display_frame
from tests.dicom.dcmtk import clean_html
from tests.dicom.iod import complaints

LUNG = VoiWindow(-600.0, 1500.0)


@pytest.fixture
def opened(write, tmp_path):
    """Scan files made of pixels and attributes: (study, values and information of each frame)."""

    def make(*files):
        for number, (pixels, attributes) in enumerate(files):
            write(f"{number}.dcm", pixels, StudyDate="20260105", InstanceNumber=number + 1,
                  **attributes)  # fmt: skip
        return load(scan([tmp_path]).studies[0])

    return make


def load(study):
    found = []
    for display in (d for s in study.series for d in s.displays):
        with open_display(display) as reader:
            found += [
                (display, ref, reader.read(i), reader.info(i))
                for i, ref in enumerate(display.frames)
            ]
    return study, found


def _frames(found, voi=LUNG, inverted=False):
    return [ShownFrame(ref.sop_instance_uid, ref.frame, info, voi, inverted)
            for _, ref, _, info in found]  # fmt: skip


def _shown(info, path, ref, size):
    state = read_presentation(path)
    return apply_presentation(info, state, ref.sop_instance_uid, size, frame=ref.frame)


CT = {"RescaleSlope": 1, "RescaleIntercept": -1024, "RescaleType": "HU", "WindowCenter": 40,
      "WindowWidth": 400, "Rows": 12, "Columns": 16}  # fmt: skip
RAMP = np.arange(192, dtype=np.int16).reshape(12, 16) * 9


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize(
    "voi",
    [LUNG, VoiWindow(-1000.0, 50.0, VoiFunction.LINEAR_EXACT),
     VoiWindow(100.5, 300.0, VoiFunction.SIGMOID),
     VoiLut(-1024, np.arange(0, 2000, 4, dtype=np.uint16), 11)],
    ids=["linear", "exact", "sigmoid", "table"],
)  # fmt: skip
def test_grey_values_come_back(opened, tmp_path, voi, inverted):
    study, found = opened((RAMP, CT))
    _, ref, values, info = found[0]
    file = tmp_path / "out.dcm"
    write_presentations(file, ShownPictures(_frames(found, voi, inverted)), source_study(study))
    shown = _shown(info, file, ref, (12, 16))
    assert shown.inverted is inverted
    again = display_frame(values, shown, shown.vois[0], inverted=shown.inverted)
    expected = display_frame(values, info, voi, inverted=inverted)
    np.testing.assert_array_equal(again, expected)
    assert len(np.unique(expected)) > 5


def test_images_that_differ_get_states_of_their_own(opened, tmp_path):
    files = [(RAMP, {**CT, "RescaleSlope": slope}) for slope in (1, "1.2345678901234", 1)]
    study, found = opened(*files)
    written = write_presentations(tmp_path / "p.dcm", ShownPictures(_frames(found)),
                                  source_study(study))  # fmt: skip
    assert [p.name for p in written] == ["p.dcm", "p-2.dcm"]
    states = [read_presentation(p) for p in written]
    assert sorted(len(s.images) for s in states) == [1, 2]
    assert len({pydicom.dcmread(p).SeriesInstanceUID for p in written}) == 1
    for _, ref, values, info in found:
        state = next(s for s in states if ref.sop_instance_uid in s.images)
        shown = apply_presentation(info, state, ref.sop_instance_uid, (12, 16))
        np.testing.assert_array_equal(
            display_frame(values, shown, shown.vois[0]), display_frame(values, info, LUNG)
        )


def test_each_image_keeps_its_own_window(opened, tmp_path):
    study, found = opened((RAMP, CT), (RAMP, CT))
    other = VoiWindow(300.0, 80.0)
    frames = _frames(found)
    frames[1] = replace(frames[1], voi=other)
    write_presentations(tmp_path / "p.dcm", ShownPictures(frames), source_study(study))
    got = [_shown(info, tmp_path / "p.dcm", ref, (12, 16)).vois[0] for _, ref, _, info in found]
    assert [(v.center, v.width) for v in got] == [(-600, 1500), (300, 80)]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", [False, True])
def test_turn_flip_and_area(opened, tmp_path, rotation, flip):
    study, found = opened((RAMP, CT))
    _, ref, _, info = found[0]
    area = VisibleArea(2, 3, 8, 14)
    file = tmp_path / "p.dcm"
    write_presentations(file, ShownPictures(_frames(found), rotation_deg=rotation, flip=flip,
                                            area=area), source_study(study))  # fmt: skip
    shown = _shown(info, file, ref, (12, 16))
    assert (shown.rotation_deg, shown.flip_horizontal) == (rotation, flip)
    again = read_presentation(file).area(ref.sop_instance_uid)
    assert (again.top, again.left, again.bottom, again.right) == (2, 3, 8, 14)
    assert (again.mode, again.magnification) == ("SCALE TO FIT", None)
    # C.10.4: the corner that is top left on the screen; turned on numpy as the viewer does
    marked = np.zeros((12, 16), int)
    marked[2, 3], marked[2, 14], marked[8, 14], marked[8, 3] = 1, 2, 3, 4
    turned = np.rot90(marked, -rotation // 90)
    turned = turned[:, ::-1] if flip else turned
    row, column = np.argwhere(turned)[np.argwhere(turned).sum(axis=1).argmin()]
    place = {1: (3, 2), 2: (14, 2), 3: (14, 8), 4: (3, 8)}[turned[row, column]]
    item = pydicom.dcmread(file).DisplayedAreaSelectionSequence[0]
    assert list(item.DisplayedAreaTopLeftHandCorner) == [place[0] + 1, place[1] + 1]


def test_magnified(opened, tmp_path):
    study, found = opened((RAMP, CT))
    file = tmp_path / "p.dcm"
    area = VisibleArea(0, 0, 11, 15, 2.5)
    write_presentations(file, ShownPictures(_frames(found), area=area), source_study(study))
    again = read_presentation(file).area(found[0][1].sop_instance_uid)
    assert (again.mode, again.magnification) == ("MAGNIFY", 2.5)


def test_measurements_are_drawn_by_layer_on_their_image(opened, tmp_path):
    study, found = opened((RAMP, CT), (RAMP, CT))
    site = Site(study.study_instance_uid, "s", "k", found[0][1].sop_instance_uid)
    length = Measurement("a", MeasurementKind.LENGTH, site, ((0, 0), (7.25, 9.5)))
    rectangle = Measurement("b", MeasurementKind.RECTANGLE, site, ((1, 2), (5, 8)))
    ellipse = Measurement("c", MeasurementKind.ELLIPSE, site, ((4, 5), (6, 5), (5, 1), (5, 9)))
    note = Measurement("d", MeasurementKind.TEXT, site, ((3, 3),), text="Größe?\nneu")
    drawn = (
        *measurement_graphics(length, "12.0 mm"), *measurement_graphics(rectangle),
        *measurement_graphics(ellipse), *measurement_graphics(note),
    )  # fmt: skip
    file = tmp_path / "p.dcm"
    uid = found[0][1].sop_instance_uid
    shown = ShownPictures(_frames(found), graphics={(uid, 0): drawn})
    write_presentations(file, shown, source_study(study))
    again = _shown(found[0][3], file, found[0][1], (12, 16)).graphics
    assert {(g.kind, g.layer) for g in again} == {
        ("POLYLINE", "MEASUREMENTS"),
        ("ELLIPSE", "MEASUREMENTS"),
        ("TEXT", "MEASUREMENTS"),
        ("TEXT", "NOTES"),
    }
    lines = {g.points for g in again if g.kind == "POLYLINE"}
    assert ((0, 0), (7.25, 9.5)) in lines
    assert ((1, 2), (1, 8), (5, 8), (5, 2), (1, 2)) in lines
    (oval,) = (g for g in again if g.kind == "ELLIPSE")
    assert oval.points == ((5, 1), (5, 9), (4, 5), (6, 5))  # the longer axis first
    assert [g.text.splitlines() for g in again if g.layer == "NOTES"] == [["Größe?", "neu"]]
    assert _shown(found[1][3], file, found[1][1], (12, 16)).graphics == ()
    ds = pydicom.dcmread(file)
    assert [i.GraphicLayer for i in ds.GraphicLayerSequence] == ["MEASUREMENTS", "NOTES"]


def test_shutter_of_the_image_is_kept_or_left_out(opened, tmp_path):
    edges = {"ShutterShape": "RECTANGULAR", "ShutterLeftVerticalEdge": 3,
             "ShutterRightVerticalEdge": 9, "ShutterUpperHorizontalEdge": 2,
             "ShutterLowerHorizontalEdge": 7}  # fmt: skip
    study, found = opened((RAMP, {**CT, **edges}))
    _, ref, _, info = found[0]
    assert info.shutter is not None
    for kept in (True, False):
        file = tmp_path / f"{kept}.dcm"
        shown = ShownPictures(_frames(found), shutter=kept)
        write_presentations(file, shown, source_study(study))
        again = _shown(info, file, ref, (12, 16)).shutter
        if kept:
            np.testing.assert_array_equal(again.hidden, info.shutter.hidden)
        else:
            assert again is None


def test_overlays_are_activated(opened, tmp_path):
    study, found = opened((RAMP, CT))
    _, ref, values, info = found[0]
    mask = np.zeros((12, 16), bool)
    mask[3, 4:9] = True
    info = replace(info, overlays=(OverlayPlane("6000", mask),))
    frames = [ShownFrame(ref.sop_instance_uid, 0, info, LUNG)]
    for kept in (True, False):
        file = tmp_path / f"{kept}.dcm"
        write_presentations(file, ShownPictures(frames, overlays=kept), source_study(study))
        again = _shown(info, file, ref, (12, 16))
        assert bool(again.overlays) is kept
        grey = display_frame(values, again, again.vois[0])
        changed = decorate(grey, again, overlays=True, shutter=True)
        assert changed.shape[:2] == (12, 16)
        assert (changed.ndim == 3) is kept


def test_colour_pictures_get_a_colour_state(opened, tmp_path):
    pixels = np.zeros((12, 16, 3), np.uint8)
    pixels[..., 0] = 200
    study, found = opened(
        (pixels, {"Modality": "XC", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.4"})
    )
    _, ref, _, info = found[0]
    file = tmp_path / "p.dcm"
    line = GraphicObject("POLYLINE", ((1.0, 1.0), (4.0, 5.5)), layer="NOTES")
    shown = ShownPictures(_frames(found, None), colour=True, rotation_deg=90,
                          graphics={(ref.sop_instance_uid, 0): (line,)})  # fmt: skip
    write_presentations(file, shown, source_study(study))
    ds = pydicom.dcmread(file)
    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.11.2"
    assert b"acsp" in ds.ICCProfile[:64]  # the signature of a profile
    assert "SoftcopyVOILUTSequence" not in ds
    again = _shown(info, file, ref, (12, 16))
    assert (again.rotation_deg, again.graphics[0].points) == (90, line.points)


def test_the_information_objects_are_whole(opened, tmp_path):
    study, found = opened((RAMP, CT), (RAMP, CT))
    uid = found[0][1].sop_instance_uid
    marks = {(uid, 0): (GraphicObject("POLYLINE", ((1.0, 1.0), (4.0, 5.5)), "a", layer="NOTES"),)}
    write_presentations(tmp_path / "p.dcm", ShownPictures(_frames(found), graphics=marks),
                        source_study(study))  # fmt: skip
    assert complaints(pydicom.dcmread(tmp_path / "p.dcm")) == []
    write_presentations(tmp_path / "c.dcm", ShownPictures(_frames(found, None), colour=True),
                        source_study(study))  # fmt: skip
    assert complaints(pydicom.dcmread(tmp_path / "c.dcm")) == []
    write_key_objects(tmp_path / "k.dcm", [(uid, 0)], source_study(study))
    assert complaints(pydicom.dcmread(tmp_path / "k.dcm")) == []


def test_pictures_that_are_no_dicom_are_refused(opened, tmp_path):
    study, found = opened((RAMP, CT))
    stranger = [ShownFrame("1.2.3", 0, found[0][3], LUNG)]
    with pytest.raises(BadInputError, match="no DICOM images"):
        write_presentations(tmp_path / "p.dcm", ShownPictures(stranger), source_study(study))


@pytest.mark.skipif(shutil.which("dcmdump") is None, reason="DCMTK is not installed")
def test_dcmtk_reads_states_and_key_objects(opened, tmp_path):
    study, found = opened((RAMP, CT), (RAMP, CT))
    write_presentations(tmp_path / "p.dcm", ShownPictures(_frames(found), rotation_deg=90),
                        source_study(study))  # fmt: skip
    run = subprocess.run(["dcmdump", str(tmp_path / "p.dcm")], capture_output=True, text=True,
                         check=True)  # fmt: skip
    assert run.stderr == ""
    assert "GrayscaleSoftcopyPresentationState" in run.stdout
    uids = [(ref.sop_instance_uid, 0) for _, ref, _, _ in found]
    count = write_key_objects(tmp_path / "k.dcm", uids, source_study(study), reader="AB",
                              text="for the conference")  # fmt: skip
    assert count == 2
    html = clean_html(tmp_path / "k.dcm")
    assert "Of Interest" in html
    assert "for the conference" in html


def test_key_objects_come_back(opened, tmp_path):
    study, found = opened((RAMP, CT), (RAMP, CT), (RAMP, CT))
    keys = [(found[2][1].sop_instance_uid, 0), (found[0][1].sop_instance_uid, 0), ("1.2.9", 0)]
    file = tmp_path / "k.dcm"
    assert write_key_objects(file, keys, source_study(study), reader="AB") == 2
    report = read_report(file)
    assert report.key_objects
    assert [link.sop_instance_uid for link in report.links] == [keys[0][0], keys[1][0]]
    with pytest.raises(BadInputError, match="None of the key images"):
        write_key_objects(file, keys[2:], source_study(study))


@pytest.mark.real_data
@pytest.mark.parametrize(
    "file",
    ["pydicom_data/mlut_18.dcm", "fo_dicom/**/OutOfBoundsOverlay.dcm", "fo_dicom/**/GH610.dcm",
     "nema_wg04/**/CT1_UNC", "dwv/**/gdcm-CR-MONO1-10-chest.dcm",
     "nema_wg04/**/BRTUM001"],
)  # fmt: skip
def test_real_pictures_look_the_same_through_the_state(real_data, tmp_path, file):
    path = sorted((real_data / "dicom_conformance").glob(file))[0]
    study, found = load(scan([path]).studies[0])
    frames = []
    for _, ref, _, info in found:
        voi = info.vois[0] if info.vois else VoiWindow(500, 1000)
        frames.append(ShownFrame(ref.sop_instance_uid, ref.frame, info, voi, info.inverted))
    written = write_presentations(tmp_path / "p.dcm", ShownPictures(frames), source_study(study))
    states = [read_presentation(p) for p in written]
    for frame, (display, ref, values, info) in zip(frames, found, strict=True):
        size = (display.rows, display.columns)
        seen = False
        for state in states:
            images = pydicom_frames(state.dataset)
            if ref.frame + 1 not in images.get(ref.sop_instance_uid, ()):
                continue
            seen = True
            shown = apply_presentation(info, state, ref.sop_instance_uid, size, frame=ref.frame)
            np.testing.assert_array_equal(
                display_frame(values, shown, shown.vois[0], inverted=shown.inverted),
                display_frame(values, info, frame.voi, inverted=info.inverted),
            )
            assert (shown.shutter is None) == (info.shutter is None)
            assert {o.group for o in shown.overlays} == {o.group for o in info.overlays}
        assert seen


def pydicom_frames(dataset):
    """Frames a state names, by instance; all where it names none."""
    found = {}
    for series in dataset.ReferencedSeriesSequence:
        for image in series.ReferencedImageSequence:
            numbers = image.get("ReferencedFrameNumber")
            several = hasattr(numbers, "__len__") and not isinstance(numbers, str)
            numbers = list(numbers) if several else [numbers] if numbers else range(1, 9999)
            found[str(image.ReferencedSOPInstanceUID)] = {int(n) for n in numbers}
    return found
