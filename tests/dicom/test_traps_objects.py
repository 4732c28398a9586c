"""Traps T27 to T35: enhanced objects, colour, overlays, segmentations, letters."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medbench.base.errors import BadInputError
from medbench.dicom.overlays import overlay_planes, place, unpack_bits
from medbench.dicom.pixels import ybr_full_to_rgb
from medbench.dicom.reader import open_display
from medbench.dicom.scan import scan
from medbench.domain.geometry import Geometry
from medbench.domain.image import Orientation
from medbench.domain.objects import (
    PlaneGrid,
    Segment,
    Segmentation,
    SegmentationKind,
    SegmentFrame,
)
from medbench.imaging.orientation import letters_of, turned
from medbench.imaging.placing import PlacedSegmentation, grid_of_slice
from medbench.imaging.reslice import edge_letters_of


def item(**attributes):
    ds = Dataset()
    for key, value in attributes.items():
        setattr(ds, key, value)
    return ds


def one(**attributes):
    return Sequence([item(**attributes)])


def enhanced(write, name, depths, slopes, *, twice=False):
    frames = []
    for z, slope in zip(depths, slopes, strict=True):
        transformation = one(RescaleSlope=slope, RescaleIntercept=0, RescaleType="US")
        frames.append(
            item(
                PlanePositionSequence=one(ImagePositionPatient=[0, 0, z]),
                PixelValueTransformationSequence=transformation,
                **({"PixelMeasuresSequence": one(PixelSpacing=[1, 1], SliceThickness=2)}
                   if twice else {}),
            )
        )  # fmt: skip
    shared = item(
        PlaneOrientationSequence=one(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
        PixelMeasuresSequence=one(PixelSpacing=[1, 1], SliceThickness=2),
    )
    pixels = np.full((len(depths) * 3, 4), 100, np.uint16)
    return write(
        name, pixels, SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1", Rows=3, NumberOfFrames=len(depths),
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(frames),
    )  # fmt: skip


def test_T27_frames_are_sorted_by_position_and_keep_their_rescale(write, tmp_path):
    enhanced(write, "a.dcm", [6, 0, 4, 2], [1, 2, 1, 1])
    (display,) = (d for s in scan([tmp_path]).studies for x in s.series for d in x.displays)
    assert [f.frame for f in display.frames] == [1, 3, 2, 0]
    with open_display(display) as reader:
        assert [float(v) for v in reader.load().voxels[:, 0, 0]] == [200, 100, 100, 100]


def test_T27_a_group_in_both_places_warns_and_the_frame_wins(write, tmp_path):
    enhanced(write, "a.dcm", [0, 2, 4], [1, 1, 1], twice=True)
    (display,) = (d for s in scan([tmp_path]).studies for x in s.series for d in x.displays)
    assert any("shared and per frame" in w for w in display.warnings)


def test_T28_planar_and_interleaved(write, tmp_path):
    data = np.frombuffer(bytes([1, 2, 3, 4, 5, 6]), np.uint8).reshape(1, 2, 3)
    for planar, expected in ((0, [[1, 2, 3], [4, 5, 6]]), (1, [[1, 3, 5], [2, 4, 6]])):
        path = write(f"{planar}.dcm", data, PlanarConfiguration=planar)
        (display,) = (d for s in scan([path]).studies for x in s.series for d in x.displays)
        with open_display(display) as reader:
            assert reader.read(0)[0].tolist() == expected


def test_T28_ybr_is_converted_once():
    assert ybr_full_to_rgb(np.array([[[76, 85, 255]]], np.uint8))[0, 0].tolist() == [254, 0, 0]


def test_T28_jpeg_labelled_ybr_is_not_converted_again(write):
    import imagecodecs
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit

    flat = np.empty((16, 16, 3), np.uint8)
    flat[...] = (200, 30, 60)
    data = imagecodecs.jpeg8_encode(flat, level=100, subsampling="422")
    path = write("j.dcm", flat, JPEGBaseline8Bit, encapsulate([data]),
                 PhotometricInterpretation="YBR_FULL_422")  # fmt: skip
    (display,) = (d for s in scan([path]).studies for x in s.series for d in x.displays)
    with open_display(display) as reader:
        found = reader.read(0).astype(int)
    assert np.abs(found - flat).max() <= 2


def overlay(rows, columns, data, origin=(1, 1)):
    ds = Dataset()
    ds.Rows, ds.Columns = 6, 12
    ds.add_new(0x60000010, "US", rows)
    ds.add_new(0x60000011, "US", columns)
    ds.add_new(0x60000040, "CS", "G")
    ds.add_new(0x60000050, "SS", list(origin))
    ds.add_new(0x60000100, "US", 1)
    ds.add_new(0x60000102, "US", 0)
    ds.add_new(0x60003000, "OW", data)
    return ds


@pytest.mark.parametrize(("origin", "expected"), [((1, 1), (1, 0)), ((0, 0), None),
                                                  ((2, 3), (2, 2))])  # fmt: skip
def test_T29_overlay_bits_and_origin(origin, expected):
    planes, warnings = overlay_planes(
        overlay(3, 10, bytes([0, 4, 0, 0]), origin), 0, lambda: None, 8
    )
    assert warnings == ()
    found = np.argwhere(planes[0].mask).tolist()
    assert found == ([list(expected)] if expected else [])
    assert planes[0].bits_set == 1


def test_T29_an_overlay_far_outside_is_cut_off():
    mask = np.ones((40, 40), bool)
    assert place(mask, [-25, -25], (50, 50)).sum() == 14 * 14
    assert place(mask, [704, 409], (50, 50)).sum() == 0


def test_T29_an_overlay_in_unused_pixel_bits():
    ds = overlay(6, 12, b"")
    del ds[0x60003000]
    ds[0x60000102].value = 15
    cells = np.zeros((6, 12), np.uint16)
    cells[2, 3] = 0x8000
    planes, _ = overlay_planes(ds, 0, lambda: cells, 12)
    assert np.argwhere(planes[0].mask).tolist() == [[2, 3]]


def test_T29_a_cut_overlay_is_named():
    planes, warnings = overlay_planes(overlay(3, 10, bytes([0, 4])), 0, lambda: None, 8)
    assert planes == ()
    assert "6000" in warnings[0]


def test_T30_frames_of_one_bit_share_bytes(write, tmp_path):
    path = write("a.dcm", np.zeros((3, 3), np.uint8), BitsAllocated=1, BitsStored=1, HighBit=0,
                 NumberOfFrames=2, encapsulated=None)  # fmt: skip
    import pydicom

    ds = pydicom.dcmread(path)
    ds.add_new(0x7FE00010, "OB", bytes([0, 2, 0, 0]))
    ds.save_as(path, enforce_file_format=True)
    (display,) = (d for s in scan([path]).studies for x in s.series for d in x.displays)
    with open_display(display) as reader:
        first, second = reader.read(0), reader.read(1)
    assert not first.any()
    assert np.argwhere(second).tolist() == [[0, 0]]
    assert unpack_bits(bytes([0, 2, 0, 0]), 9, 9).tolist() == [True] + [False] * 8


def segmentation(frames, uid="1.2.9", kind=SegmentationKind.BINARY, thickness=1.0):
    numbers = sorted({f.segment for f in frames})
    segments = tuple(Segment(n, f"s{n}", (255, 0, 0)) for n in numbers)
    return Segmentation("1.2.3", "test", kind, segments, tuple(frames), uid, thickness)


IMAGE = Geometry((10, 4, 4), (1.0, 1.0, 1.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1), "1.2.9")


def test_T31_a_turned_segmentation_lands_where_its_header_says():
    values = np.zeros((4, 4), bool)
    values[0, 1] = True
    grid = PlaneGrid((3, 3, 0), (-1, 0, 0), (0, -1, 0), 1, 1, 4, 4)
    placed = PlacedSegmentation(segmentation([SegmentFrame(1, grid, values)]), "1.2.9")
    mask = placed.mask(1, grid_of_slice(IMAGE, 0))
    assert np.argwhere(mask).tolist() == [[3, 2]]
    assert not placed.mask(1, grid_of_slice(IMAGE, 1)).any()


def test_T31_frames_in_any_order_reach_their_slices():
    frames = [
        SegmentFrame(1, PlaneGrid((0, 0, z), (1, 0, 0), (0, 1, 0), 1, 1, 4, 4),
                     np.full((4, 4), True))
        for z in (7, 3, 5)
    ]  # fmt: skip
    placed = PlacedSegmentation(segmentation(frames), "1.2.9")
    covered = [k for k in range(10) if placed.mask(1, grid_of_slice(IMAGE, k)).any()]
    assert covered == [3, 5, 7]


def test_T31_other_spacing_and_other_planes():
    big = PlaneGrid((0.5, 0.5, 2), (1, 0, 0), (0, 1, 0), 2, 2, 2, 2)
    values = np.array([[True, False], [False, False]])
    placed = PlacedSegmentation(segmentation([SegmentFrame(1, big, values)]), "1.2.9")
    assert np.argwhere(placed.mask(1, grid_of_slice(IMAGE, 2))).tolist() == [
        [0, 0], [0, 1], [1, 0], [1, 1]
    ]  # fmt: skip
    coronal = PlaneGrid((0, 0, 9), (1, 0, 0), (0, 0, -1), 1, 1, 10, 4)
    assert np.argwhere(placed.mask(1, coronal)).tolist() == [[7, 0], [7, 1]]


def test_T31_another_frame_of_reference_is_refused():
    grid = PlaneGrid((0, 0, 0), (1, 0, 0), (0, 1, 0), 1, 1, 4, 4)
    found = segmentation([SegmentFrame(1, grid, np.ones((4, 4), bool))], uid="7.7")
    with pytest.raises(BadInputError, match="frame of reference"):
        PlacedSegmentation(found, "1.2.9")


def test_T31_without_geometry_pixels_match_the_referenced_image():
    values = np.eye(4, dtype=bool)
    found = segmentation([SegmentFrame(1, None, values, "1.5", 0)], uid="")
    placed = PlacedSegmentation(found, "")
    assert not placed.placed
    assert np.array_equal(placed.of_instance(1, "1.5", 0), values)
    assert placed.of_instance(1, "1.6", 0) is None


def test_T31_label_maps_and_fractions():
    grid = PlaneGrid((0, 0, 0), (1, 0, 0), (0, 1, 0), 1, 1, 4, 4)
    labels = np.zeros((4, 4), np.uint16)
    labels[1, 1], labels[2, 2] = 1, 2
    found = segmentation([SegmentFrame(0, grid, labels)], kind=SegmentationKind.LABELMAP)
    placed = PlacedSegmentation(found, "1.2.9")
    assert np.argwhere(placed.mask(2, grid_of_slice(IMAGE, 0))).tolist() == [[2, 2]]
    part = segmentation(
        [SegmentFrame(1, grid, np.full((4, 4), 0.25, np.float32))], kind=SegmentationKind.FRACTIONAL
    )
    placed = PlacedSegmentation(part, "1.2.9")
    assert not placed.mask(1, grid_of_slice(IMAGE, 0)).any()
    assert placed.fractions(1, grid_of_slice(IMAGE, 0))[0, 0] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("cosines", "letters"),
    [
        ([1, 0, 0, 0, 1, 0], "R L A P"),
        ([0, 1, 0, 0, 0, -1], "A P H F"),
        ([1, 0, 0, 0, 0, -1], "R L H F"),
        ([np.cos(np.pi / 6), np.sin(np.pi / 6), 0, -np.sin(np.pi / 6), np.cos(np.pi / 6), 0],
         "RA LP AL PR"),
    ],
)  # fmt: skip
def test_T32_edge_letters(cosines, letters):
    assert " ".join(edge_letters_of(cosines[:3], cosines[3:])) == letters


def test_T32_letters_follow_turns_and_flips():
    axial = edge_letters_of([1, 0, 0], [0, 1, 0])
    assert " ".join(turned(axial, 90)) == "P A R L"
    assert " ".join(turned(axial, flip_horizontal=True)) == "L R A P"
    assert turned(turned(axial, 270), 90) == axial


@pytest.mark.parametrize(
    ("row", "column", "letters"),
    [("L", "F", "R L H F"), ("P", "F", "A P H F"), ("", "", "   "), ("LH", "FL", "RF LH HR FL")],
)
def test_T33_projection_images_use_patient_orientation(row, column, letters):
    assert " ".join(letters_of(Orientation(row, column))) == letters


@pytest.mark.parametrize(
    ("attributes", "side", "warned"),
    [
        ({"ImageLaterality": "R"}, "R", False),
        ({"SharedFunctionalGroupsSequence": one(FrameAnatomySequence=one(FrameLaterality="L"))},
         "L", False),
        ({"ImageLaterality": "R", "Laterality": "L"}, "R", True),
        ({"Laterality": "L"}, "L", False),
        ({}, "", False),
    ],
)  # fmt: skip
def test_T34_laterality(write, attributes, side, warned):
    path = write("a.dcm", np.zeros((4, 4), np.uint16), Modality="MG", **attributes)
    (display,) = (d for s in scan([path]).studies for x in s.series for d in x.displays)
    with open_display(display) as reader:
        info = reader.info(0)
    assert info.orientation.laterality == side
    assert any("side" in w for w in info.warnings) == warned


def test_T35_quadrupeds_have_their_own_letters():
    found = letters_of(Orientation("LE", "CD", quadruped=True))
    assert " ".join(found) == "RT LE CR CD"
    assert letters_of(Orientation("XX", "CD", quadruped=True))[:2] == ("", "")
