"""Label maps as DICOM SEG: the same voxels again, judged by numpy, highdicom and DCMTK."""

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pydicom
import pytest

from medbench.base.errors import BadInputError
from medbench.dicom.colours import from_cielab, to_cielab
from medbench.dicom.scan import scan
from medbench.dicom.segmentation import read_segmentation
from medbench.dicom.write import SimulatedPatient, write_ct_series, write_radiograph
from medbench.dicom.writing.heading import source_study
from medbench.dicom.writing.seg import packed, write_segmentation
from medbench.dicom.writing.segment_codes import segment_codes
from medbench.domain.geometry import Geometry
from medbench.domain.segment_edit import (
    EditedSegment,
    EditedSegmentation,
    SegmentMethod,
    grid_of_display,
)
from tests.dicom.iod import complaints

SEGMENTS = (
    EditedSegment(2, "Liver metastasis", (213, 94, 0), methods=(SegmentMethod.BRUSH,)),
    EditedSegment(3, "never painted", (1, 2, 3)),
    EditedSegment(7, "Lung links", (86, 180, 233),
                  methods=(SegmentMethod.BRUSH, SegmentMethod.THRESHOLD)),
)  # fmt: skip
AXES = (0.8, 0.0, -0.6, 0.0, 1.0, 0.0, 0.6, 0.0, 0.8)


@pytest.fixture(params=[(5, 24, 32), (4, 7, 9)], ids=["whole bytes", "shared bytes"])
def case(request, tmp_path):
    shape = request.param
    geometry = Geometry(shape, (3.0, 0.8, 0.6), (5, -7, 9), AXES)
    voxels = np.zeros(shape, np.int16)
    write_ct_series(tmp_path / "ct", voxels, geometry, SimulatedPatient("SIM-1", "Sample^Ivo"))
    study = scan([tmp_path / "ct"]).studies[0]
    rng = np.random.default_rng(3)
    labels = np.zeros(shape, np.uint8)
    labels[1:4] = rng.choice([0, 2, 7], size=labels[1:4].shape)
    labels[2][labels[2] == 7] = 0
    return study, labels


def _map(study, **values):
    display = study.series[0].displays[0]
    geometry, placed, mm = grid_of_display(display)
    made = EditedSegmentation(
        "s-1", "First reader", study.study_instance_uid, display.series_instance_uid, "key",
        geometry, placed, mm, SEGMENTS, "AB",
    )  # fmt: skip
    return replace(made, **values)


def _again(file, shape, geometry):
    """Label map from the file through medbench's reader, slices found by their place."""
    found = read_segmentation(file)
    labels = np.zeros(shape, np.uint8)
    for frame in found.frames:
        grid = frame.grid
        z = geometry.index_from_world(grid.origin_mm)[2]
        assert abs(z - round(z)) < 1e-4
        label = next(s.label for s in found.segments if s.number == frame.segment)
        number = next(s.number for s in SEGMENTS if s.label == label)
        labels[round(z)][frame.values] = number
    return found, labels


def test_voxels_names_and_colours_come_back(case, tmp_path):
    study, labels = case
    segmentation = _map(study)
    file = tmp_path / "seg.dcm"
    frames = study.series[0].displays[0].frames
    written = write_segmentation(file, labels, segmentation, source_study(study), frames)
    assert written == 5  # three slices of one segment, two of the other
    found, again = _again(file, labels.shape, segmentation.geometry)
    np.testing.assert_array_equal(again, labels)
    assert [(s.label, s.colour) for s in found.segments] == [
        (s.label, s.colour) for s in SEGMENTS if s.number != 3
    ]
    assert [s.voxels for s in found.segments] == [(labels == 2).sum(), (labels == 7).sum()]
    assert [s.algorithm for s in found.segments] == ["MANUAL", "SEMIAUTOMATIC"]
    assert found.frame_of_reference_uid == segmentation.geometry.frame_of_reference_uid
    assert found.series_uids == (segmentation.series_instance_uid,)
    assert found.thickness_mm == pytest.approx(3.0)
    for frame in found.frames:  # each frame points at the image it was painted on
        z = round(segmentation.geometry.index_from_world(frame.grid.origin_mm)[2])
        assert frame.referenced_uid == frames[z].sop_instance_uid


def test_bits_lie_in_the_file_as_the_standard_says(case, tmp_path):
    study, labels = case
    file = tmp_path / "seg.dcm"
    write_segmentation(file, labels, _map(study), source_study(study),
                       study.series[0].displays[0].frames)  # fmt: skip
    ds = pydicom.dcmread(file)
    count = ds.NumberOfFrames * ds.Rows * ds.Columns
    bits = np.unpackbits(np.frombuffer(ds.PixelData, np.uint8), bitorder="little")[:count]
    frames = bits.reshape(ds.NumberOfFrames, ds.Rows, ds.Columns)
    expected = [
        labels[z] == n for n in (2, 7) for z in range(len(labels)) if (labels[z] == n).any()
    ]
    np.testing.assert_array_equal(frames, expected)
    assert len(ds.PixelData) % 2 == 0


def test_T30_frames_share_bytes():
    masks = [np.zeros((3, 3), bool), np.zeros((3, 3), bool)]
    masks[1][0, 0] = True
    assert packed(masks) == bytes([0, 2, 0, 0])


def test_highdicom_reads_it(case, tmp_path):
    seg = pytest.importorskip("highdicom.seg")
    study, labels = case
    file = tmp_path / "seg.dcm"
    frames = study.series[0].displays[0].frames
    write_segmentation(file, labels, _map(study), source_study(study), frames)
    found = seg.segread(file)
    assert found.number_of_segments == 2
    pixels = found.get_pixels_by_source_instance(
        [f.sop_instance_uid for f in frames], combine_segments=False,
        ignore_spatial_locations=False, assert_missing_frames_are_empty=True,
    )  # fmt: skip
    np.testing.assert_array_equal(pixels[..., 0], labels == 2)
    np.testing.assert_array_equal(pixels[..., 1], labels == 7)
    kind = found.get_segment_description(1).segmented_property_type
    assert (kind.value, kind.meaning) == ("108369006", "Neoplasm")


def test_the_information_object_is_whole(case, tmp_path):
    study, labels = case
    file = tmp_path / "seg.dcm"
    write_segmentation(file, labels, _map(study), source_study(study),
                       study.series[0].displays[0].frames)  # fmt: skip
    assert complaints(pydicom.dcmread(file)) == []


@pytest.mark.skipif(shutil.which("dcmdump") is None, reason="DCMTK is not installed")
def test_dcmtk_reads_it(case, tmp_path):
    study, labels = case
    file = tmp_path / "seg.dcm"
    write_segmentation(file, labels, _map(study), source_study(study),
                       study.series[0].displays[0].frames)  # fmt: skip
    run = subprocess.run(["dcmdump", str(file)], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert "=SegmentationStorage" in run.stdout


def test_a_resampled_grid_is_placed_by_its_frame_of_reference(case, tmp_path):
    study, _ = case
    geometry = Geometry(
        (6, 10, 16), (2.0, 1.5, 1.5), (-3.0, 4.0, 11.0), (1, 0, 0, 0, 1, 0, 0, 0, 1),
        _map(study).geometry.frame_of_reference_uid, resampled=True,
    )  # fmt: skip
    labels = np.zeros((6, 10, 16), np.uint8)
    labels[2:5, 3:7, 4:9] = 2
    file = tmp_path / "seg.dcm"
    write_segmentation(file, labels, _map(study, geometry=geometry), source_study(study),
                       study.series[0].displays[0].frames)  # fmt: skip
    found, again = _again(file, labels.shape, geometry)
    np.testing.assert_array_equal(again, labels)
    assert {f.referenced_uid for f in found.frames} == {""}
    assert found.frame_of_reference_uid == geometry.frame_of_reference_uid
    assert found.series_uids  # still says which series it is about


def test_pictures_without_a_place_refer_to_their_pixels(tmp_path):
    file = tmp_path / "cr.dcm"
    write_radiograph(file, np.zeros((21, 30), np.uint16), SimulatedPatient("S", "A^B"), key="a")
    study = scan([file]).studies[0]
    segmentation = _map(study)
    assert not segmentation.placed
    labels = np.zeros((1, 21, 30), np.uint8)
    labels[0, 2:9, 3:20] = 7
    out = tmp_path / "seg.dcm"
    write_segmentation(out, labels, segmentation, source_study(study),
                       study.series[0].displays[0].frames)  # fmt: skip
    (frame,) = read_segmentation(out).frames
    assert frame.grid is None
    assert frame.referenced_uid == study.series[0].displays[0].frames[0].sop_instance_uid
    np.testing.assert_array_equal(frame.values, labels[0] == 7)
    assert "FrameOfReferenceUID" not in pydicom.dcmread(out)


def test_nothing_painted_writes_nothing(case, tmp_path):
    study, labels = case
    with pytest.raises(BadInputError, match="Nothing is painted"):
        write_segmentation(tmp_path / "seg.dcm", labels * 0, _map(study), source_study(study), ())
    assert not (tmp_path / "seg.dcm").exists()


def test_colours_survive_cielab():
    rng = np.random.default_rng(0)
    for colour in rng.integers(0, 256, (200, 3)).tolist():
        assert from_cielab(to_cielab(colour)) == tuple(colour)
    assert to_cielab((255, 255, 255))[0] >= 65500  # L* of white is 100


def test_names_give_codes():
    assert segment_codes("Liver metastasis")[1][2] == "Neoplasm"
    assert segment_codes("Left kidney")[1][2] == "Kidney"
    assert segment_codes("xyz") == (("85756007", "SCT", "Tissue"),) * 2


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ct_ge_hispeed_head_tilt_irregular",
                                  "mr_brain_tumour_multiseq_study3"])  # fmt: skip
def test_on_real_series_also_tilted_ones(real_data, tmp_path, name):
    study = scan([real_data / "dicom_series" / name]).studies[0]
    display = max((d for s in study.series for d in s.displays), key=lambda d: d.slices)
    geometry, placed, mm = grid_of_display(display)
    segmentation = EditedSegmentation(
        "s", "t", study.study_instance_uid, display.series_instance_uid, "k", geometry, placed, mm,
        SEGMENTS,
    )  # fmt: skip
    labels = np.zeros(geometry.shape, np.uint8)
    labels[3:9, 40:90, 50:99] = 2
    labels[-2:, 10:30, 5:77] = 7
    file = tmp_path / "seg.dcm"
    write_segmentation(file, labels, segmentation, source_study(study), display.frames)
    places = {ref.sop_instance_uid: z for z, ref in enumerate(display.frames)}
    again = np.zeros_like(labels)
    for frame in read_segmentation(file).frames:
        z = places[frame.referenced_uid]
        again[z][frame.values] = {1: 2, 2: 7}[frame.segment]
        source = pydicom.dcmread(display.frames[z].path, stop_before_pixels=True)
        np.testing.assert_allclose(
            frame.grid.origin_mm, [float(v) for v in source.ImagePositionPatient], atol=1e-3
        )
    np.testing.assert_array_equal(again, labels)
