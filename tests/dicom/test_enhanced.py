"""Multi-frame objects: order, times, splits, concatenations, dose grids, parametric maps."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medbench.dicom.reader import open_display
from medbench.dicom.scan import scan
from medbench.domain.image import DisplayKind

ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"
AXIAL = [1, 0, 0, 0, 1, 0]


def item(**attributes):
    ds = Dataset()
    for key, value in attributes.items():
        setattr(ds, key, value)
    return ds


def one(**attributes):
    return Sequence([item(**attributes)])


def enhanced(write, name, groups, *, placed=True, **attributes):
    """Frame i is full of the value i; ``groups`` are the per-frame groups."""
    pixels = np.repeat(np.arange(len(groups), dtype=np.uint16), 12).reshape(-1, 4)
    place = {
        "PlaneOrientationSequence": one(ImageOrientationPatient=AXIAL),
        "PixelMeasuresSequence": one(PixelSpacing=[1, 1], SliceThickness=2),
    }
    shared = Sequence([item(**(place if placed else {}))])
    defaults = {
        "SOPClassUID": ENHANCED_MR, "Modality": "MR", "Rows": 3, "NumberOfFrames": len(groups),
        "SharedFunctionalGroupsSequence": shared, "FrameOfReferenceUID": "1.2.9",
        "PerFrameFunctionalGroupsSequence": Sequence(groups),
    }  # fmt: skip
    return write(name, pixels, **{**defaults, **attributes})


def at(z, **sequences):
    return item(PlanePositionSequence=one(ImagePositionPatient=[0, 0, z]), **sequences)


def displays(path):
    return [d for s in scan([path]).studies for x in s.series for d in x.displays]


def frame_numbers(display):
    return [f.frame for f in display.frames]


def test_frames_without_positions_follow_their_dimension_indices(write):
    groups = [item(FrameContentSequence=one(DimensionIndexValues=[1, n])) for n in (3, 1, 4, 2)]
    (display,) = displays(enhanced(write, "a.dcm", groups, placed=False))
    assert display.kind is DisplayKind.MULTIFRAME
    assert frame_numbers(display) == [1, 3, 0, 2]
    assert "dimension indices" in display.reason


def test_frames_without_positions_follow_their_stack(write):
    groups = [
        item(FrameContentSequence=one(StackID="1", InStackPositionNumber=n)) for n in (2, 3, 1)
    ]
    (display,) = displays(enhanced(write, "a.dcm", groups, placed=False))
    assert frame_numbers(display) == [2, 0, 1]
    assert "positions in the stack" in display.reason


def test_frames_that_say_nothing_stay_as_stored(write):
    (display,) = displays(enhanced(write, "a.dcm", [item() for _ in range(3)], placed=False))
    assert frame_numbers(display) == [0, 1, 2]
    assert display.reason == "Frames without positions"


def test_temporal_positions_are_time_points_whatever_the_order(write):
    members = [(z, t) for z in (0, 2, 4) for t in (2, 1)]
    groups = [at(z, FrameContentSequence=one(TemporalPositionIndex=t)) for z, t in members]
    found = displays(enhanced(write, "a.dcm", groups))
    assert [(d.time_index, d.time_count, d.slices) for d in found] == [(0, 2, 3), (1, 2, 3)]
    assert [frame_numbers(d) for d in found] == [[1, 3, 5], [0, 2, 4]]
    assert [d.reason for d in found] == ["Time point 1 (1 of 2)", "Time point 2 (2 of 2)"]
    assert len({d.time_group for d in found}) == 1


def test_a_time_point_that_lacks_a_slice_does_not_borrow_one(write):
    members = [(0, 1), (2, 1), (4, 1), (0, 2), (4, 2)]
    groups = [at(z, FrameContentSequence=one(TemporalPositionIndex=t)) for z, t in members]
    found = displays(enhanced(write, "a.dcm", groups))
    assert [frame_numbers(d) for d in found] == [[0, 1, 2], [3, 4]]


def test_cardiac_phases_are_named(write):
    members = [(z, p) for p in (50.0, 0.0) for z in (0, 2)]
    groups = [
        at(z, CardiacSynchronizationSequence=one(NominalPercentageOfCardiacPhase=p))
        for z, p in members
    ]
    found = displays(enhanced(write, "a.dcm", groups))
    names = [d.reason for d in found]
    assert names == ["Cardiac phase 0 % (1 of 2)", "Cardiac phase 50 % (2 of 2)"]
    assert [frame_numbers(d) for d in found] == [[2, 3], [0, 1]]


def test_b_values_are_parts_with_names(write):
    members = [(z, b) for z in (0, 2, 4) for b in (0.0, 1000.0)]
    groups = [at(z, MRDiffusionSequence=one(DiffusionBValue=b)) for z, b in members]
    found = displays(enhanced(write, "a.dcm", groups))
    assert {d.reason: frame_numbers(d) for d in found} == {
        "Split by b-value 0.0 s/mm2": [0, 2, 4], "Split by b-value 1000.0 s/mm2": [1, 3, 5],
    }  # fmt: skip


def test_single_instances_with_temporal_positions_are_one_time_series(write, tmp_path):
    for i, (z, t) in enumerate((z, t) for t in (2, 1) for z in (0, 2, 4)):
        write(
            f"{i}.dcm", np.full((3, 4), i, np.uint16), Modality="MR", PixelSpacing=[1, 1],
            ImagePositionPatient=[0, 0, z], ImageOrientationPatient=AXIAL, InstanceNumber=i + 1,
            TemporalPositionIdentifier=t,
        )  # fmt: skip
    found = displays(tmp_path)
    assert [(d.time_index, d.time_count) for d in found] == [(0, 2), (1, 2)]
    with open_display(found[0]) as reader:
        assert reader.load().voxels[:, 0, 0].tolist() == [3, 4, 5]


def test_single_instances_say_which_b_value_they_have(write, tmp_path):
    for i, (z, b) in enumerate((z, b) for z in (0, 2) for b in (0.0, 800.0)):
        write(
            f"{i}.dcm", np.full((3, 4), i, np.uint16), Modality="MR", PixelSpacing=[1, 1],
            ImagePositionPatient=[0, 0, z], ImageOrientationPatient=AXIAL, DiffusionBValue=b,
        )  # fmt: skip
    assert {d.reason for d in displays(tmp_path)} == {"Split by b-value 0", "Split by b-value 800"}


def test_parts_of_a_concatenation_are_one_volume(write, tmp_path):
    for number, depths in ((2, (4, 6)), (1, (0, 2))):
        enhanced(
            write, f"{3 - number}.dcm", [at(z) for z in depths], ConcatenationUID="1.2.77",
            InConcatenationNumber=number, InConcatenationTotalNumber=2,
        )  # fmt: skip
    (display,) = displays(tmp_path)
    assert display.slices == 4
    assert [f.position_mm[2] for f in display.frames] == [0, 2, 4, 6]
    assert len({f.path for f in display.frames}) == 2
    assert not any("missing" in w for w in display.warnings)
    with open_display(display) as reader:
        assert reader.load().voxels[:, 0, 0].tolist() == [0, 1, 0, 1]


def test_a_part_that_is_missing_is_told(write):
    (display,) = displays(
        enhanced(
            write,
            "a.dcm",
            [at(0), at(2)],
            ConcatenationUID="1.2.77",
            InConcatenationNumber=1,
            InConcatenationTotalNumber=3,
        )
    )
    assert any("2 of 3 parts" in w for w in display.warnings)


def test_windows_and_rescales_belong_to_the_frame(write):
    groups = [
        at(
            z,
            FrameVOILUTSequence=one(WindowCenter=c, WindowWidth=100),
            PixelValueTransformationSequence=one(
                RescaleSlope=s, RescaleIntercept=-10, RescaleType="HU"
            ),
        )
        for z, c, s in ((0, 10, 1), (2, 20, 2), (4, 30, 3))
    ]
    (display,) = displays(enhanced(write, "a.dcm", groups))
    with open_display(display) as reader:
        assert [reader.info(i).vois[0].center for i in range(3)] == [10, 20, 30]
        assert [float(reader.read(i)[0, 0]) for i in range(3)] == [-10, -8, -4]
        assert reader.info(0).value_unit == "HU"


@pytest.mark.parametrize(
    ("offsets", "cosines", "depths"),
    [
        ([0, 3, 6], AXIAL, [10, 13, 16]),
        ([10, 13, 16], AXIAL, [10, 13, 16]),
        ([0, 3, 6], [1, 0, 0, 0, -1, 0], [10, 7, 4]),
        ([10, 7, 4], [1, 0, 0, 0, -1, 0], [10, 7, 4]),
    ],
)
def test_dose_grids_of_both_kinds(write, offsets, cosines, depths):
    pixels = np.repeat(np.arange(3, dtype=np.uint16), 12).reshape(-1, 4)
    path = write(
        "d.dcm", pixels, SOPClassUID="1.2.840.10008.5.1.4.1.1.481.2", Modality="RTDOSE", Rows=3,
        NumberOfFrames=3, GridFrameOffsetVector=offsets, ImagePositionPatient=[0, 0, 10],
        ImageOrientationPatient=cosines, PixelSpacing=[2, 2], DoseGridScaling="0.5",
        DoseUnits="GY", FrameIncrementPointer=0x3004000C,
    )  # fmt: skip
    (display,) = displays(path)
    assert {f.frame: f.position_mm[2] for f in display.frames} == dict(enumerate(depths))
    assert display.geometry.uniform
    assert np.linalg.det(display.geometry.matrix[:3, :3]) > 0
    with open_display(display) as reader:
        assert reader.read(0)[0, 0] == display.frames[0].frame * 0.5
        assert reader.info(0).value_unit == "Gy"


def units(code, scheme="UCUM", meaning=""):
    return one(CodeValue=code, CodingSchemeDesignator=scheme, CodeMeaning=meaning or code)


def test_a_parametric_map_is_shown_in_its_quantity(write):
    mapping = one(
        RealWorldValueSlope=0.001, RealWorldValueIntercept=-0.5, RealWorldValueFirstValueMapped=0,
        RealWorldValueLastValueMapped=4095, MeasurementUnitsCodeSequence=units("mm2/s"),
    )  # fmt: skip
    groups = [at(z, RealWorldValueMappingSequence=mapping) for z in (0, 2, 4)]
    (display,) = displays(enhanced(write, "a.dcm", groups, SOPClassUID=PARAMETRIC_MAP))
    with open_display(display) as reader:
        assert [float(reader.read(i)[0, 0]) for i in range(3)] == pytest.approx(
            [-0.5, -0.499, -0.498]
        )
        assert reader.info(0).value_unit == "mm2/s"


def test_a_parametric_map_by_a_table(write):
    mapping = one(
        RealWorldValueFirstValueMapped=0, RealWorldValueLastValueMapped=2,
        RealWorldValueLUTData=[1.5, -2.5, 40.0],
        MeasurementUnitsCodeSequence=units("x", "99TEST", "a quantity"),
    )  # fmt: skip
    groups = [at(z, RealWorldValueMappingSequence=mapping) for z in (0, 2, 4)]
    (display,) = displays(enhanced(write, "a.dcm", groups, SOPClassUID=PARAMETRIC_MAP))
    with open_display(display) as reader:
        assert [float(reader.read(i)[0, 0]) for i in range(3)] == [1.5, -2.5, 40.0]
        assert reader.info(0).value_unit == "a quantity"
