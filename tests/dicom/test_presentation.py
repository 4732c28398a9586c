"""Presentation states on the command line's picture: what they replace, where they draw."""

import json

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from medbench.cli.main import main
from medbench.domain.image import FrameInfo
from medbench.imaging.presentation import OVERLAY_COLOUR, final_picture, shown_place

ROWS, COLUMNS = 6, 9


def item(**attributes):
    ds = Dataset()
    for key, value in attributes.items():
        setattr(ds, key, value)
    return ds


def one(**attributes):
    return Sequence([item(**attributes)])


@pytest.fixture
def picture(write):
    pixels = np.arange(ROWS * COLUMNS, dtype=np.uint8).reshape(ROWS, COLUMNS)
    return write("a.dcm", pixels, WindowCenter=128, WindowWidth=256)


@pytest.fixture
def rendered(picture, tmp_path, capsys):
    """Render with a state of the given attributes: (pixels, JSON)."""

    def make(*words, elements=(), **attributes):
        image = pydicom.dcmread(picture)
        reference = one(ReferencedSOPClassUID=image.SOPClassUID,
                        ReferencedSOPInstanceUID=image.SOPInstanceUID)  # fmt: skip
        ds = item(
            SOPClassUID="1.2.840.10008.5.1.4.1.1.11.1", SOPInstanceUID=generate_uid(),
            StudyInstanceUID="1.2.3.1", SeriesInstanceUID="1.2.3.1.7", Modality="PR",
            ContentLabel="TEST", SoftcopyVOILUTSequence=one(WindowCenter=128, WindowWidth=256),
            ReferencedSeriesSequence=one(SeriesInstanceUID=image.SeriesInstanceUID,
                                         ReferencedImageSequence=reference),
        )  # fmt: skip
        for key, value in attributes.items():
            setattr(ds, key, value)
        for tag, vr, value in elements:
            ds.add_new(tag, vr, value)
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        state = tmp_path / "state.dcm"
        ds.save_as(state, enforce_file_format=True)
        out = tmp_path / "a.png"
        words = ["render", str(picture), "--presentation", str(state), "--out", str(out), *words]
        code = main([*words, "--json"])
        told = capsys.readouterr()
        assert code == 0, told.err
        with Image.open(out) as opened:
            return np.asarray(opened), json.loads(told.out)

    return make


PLAIN = np.arange(ROWS * COLUMNS, dtype=np.uint8).reshape(ROWS, COLUMNS)


def test_a_state_that_repeats_the_image_changes_nothing(rendered):
    found, told = rendered()
    assert np.array_equal(found, PLAIN)
    assert told["badges"] == ["presentation state TEST"]


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("flip", ["N", "Y"])
def test_turned_clockwise_then_flipped(rendered, turn, flip):
    found, _ = rendered(ImageRotation=turn, ImageHorizontalFlip=flip)
    expected = np.rot90(PLAIN, -turn // 90)
    assert np.array_equal(found, expected[:, ::-1] if flip == "Y" else expected)


def test_the_state_decides_the_shape_of_pixels(rendered):
    area = one(PresentationPixelAspectRatio=[2, 1], DisplayedAreaTopLeftHandCorner=[1, 1],
               DisplayedAreaBottomRightHandCorner=[COLUMNS, ROWS])  # fmt: skip
    found, _ = rendered(DisplayedAreaSelectionSequence=area)
    assert found.shape == (2 * ROWS, COLUMNS)
    assert np.array_equal(found[::2], PLAIN)


def overlay(group, active):
    base = group << 16
    bits = np.zeros(64, np.uint8)
    bits[COLUMNS + 2] = 1  # row 1, column 2
    elements = [
        (base | 0x10, "US", ROWS), (base | 0x11, "US", COLUMNS), (base | 0x40, "CS", "G"),
        (base | 0x50, "SS", [1, 1]), (base | 0x100, "US", 1), (base | 0x102, "US", 0),
        (base | 0x3000, "OW", np.packbits(bits, bitorder="little").tobytes()),
    ]  # fmt: skip
    return elements + ([(base | 0x1001, "CS", "LAYER")] if active else [])


def test_overlays_of_the_image_need_the_state(picture, rendered):
    ds = pydicom.dcmread(picture)
    for tag, vr, value in overlay(0x6000, False):
        ds.add_new(tag, vr, value)
    ds.save_as(picture, enforce_file_format=True)
    found, told = rendered()
    assert np.array_equal(found, PLAIN)
    assert told["overlays"] == []
    found, told = rendered(elements=[(0x60001001, "CS", "LAYER")])
    assert [o["group"] for o in told["overlays"]] == ["6000"]
    assert tuple(found[1, 2]) == OVERLAY_COLOUR


def test_a_state_may_bring_an_overlay(rendered):
    found, told = rendered(elements=overlay(0x6002, True))
    assert told["overlays"] == [{"group": "6002", "bits": 1}]
    assert tuple(found[1, 2]) == OVERLAY_COLOUR
    assert (found != OVERLAY_COLOUR).any(axis=2).sum() == ROWS * COLUMNS - 1


def test_lines_follow_the_turn(rendered):
    # the origin is the corner of the first pixel: the centre of row 2, column 1 is (1.5, 2.5)
    line = {"GraphicType": "POLYLINE", "GraphicData": [1.5, 2.5, 7.5, 2.5]}
    graphic = one(GraphicAnnotationUnits="PIXEL", NumberOfGraphicPoints=2, **line)
    drawing = one(GraphicLayer="L", GraphicObjectSequence=graphic)
    found, _ = rendered(GraphicAnnotationSequence=drawing)
    marked = (found == OVERLAY_COLOUR).all(axis=2)
    assert np.argwhere(marked).tolist() == [[2, c] for c in range(1, 8)]
    found, _ = rendered(GraphicAnnotationSequence=drawing, ImageRotation=90)
    turned = (found == OVERLAY_COLOUR).all(axis=2)
    assert np.array_equal(turned, np.rot90(marked, -1))


def test_a_window_for_one_frame_only(rendered):
    other = one(ReferencedSOPInstanceUID="1.2.9.9", ReferencedSOPClassUID="1.2")
    rules = Sequence([
        item(WindowCenter=10, WindowWidth=4, ReferencedImageSequence=other),
        item(WindowCenter=27, WindowWidth=2),
    ])  # fmt: skip
    found, told = rendered(SoftcopyVOILUTSequence=rules)
    assert told["window"] == [27, 2]
    assert set(np.unique(found)) <= {0, 255}


def test_places_and_pixels_move_alike():
    for aspect in (None, (3.0, 1.0), (1.0, 2.0)):
        for turn in (0, 90, 180, 270):
            for flip in (False, True):
                info = FrameInfo(pixel_aspect=aspect, rotation_deg=turn, flip_horizontal=flip)
                values = np.zeros((4, 5, 3), np.uint8)
                values[1, 3] = 200
                rows, columns = np.nonzero(final_picture(values, info)[..., 0])
                found = shown_place(1, 3, (4, 5), info)
                assert found == pytest.approx((rows.mean(), columns.mean()))
