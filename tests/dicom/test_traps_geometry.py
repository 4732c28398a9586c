"""Traps T01 to T08: order, spacing, tilt, gaps, splits, handedness."""

import itertools
import math
import random

import numpy as np
import pytest

from medbench.dicom.reader import open_display
from medbench.dicom.scan import scan
from medbench.domain.calibration import Calibration, MmSource
from medbench.domain.geometry import Geometry
from medbench.imaging.regular import regularise

AXIAL = [1, 0, 0, 0, 1, 0]


def displays(folder):
    return [d for s in scan([folder]).studies for series in s.series for d in series.displays]


def stack(write, positions, orientation=AXIAL, pixels=None, names=None, **attributes):
    for i, position in enumerate(positions):
        picture = np.full((4, 5), i, np.int16) if pixels is None else pixels[i]
        extra = {k: v[i] if isinstance(v, list) else v for k, v in attributes.items()}
        write(
            (names[i] if names else f"{i}.dcm"),
            picture,
            ImagePositionPatient=list(position),
            ImageOrientationPatient=list(orientation),
            **{"PixelSpacing": [1, 1], "FrameOfReferenceUID": "1.2.9", **extra},
        )


def test_T01_slices_are_sorted_by_projected_position(write, tmp_path):
    stack(write, [(0, 0, 10), (0, 0, -5), (0, 0, 2.5)], InstanceNumber=[1, 2, 3])
    (display,) = displays(tmp_path)
    assert [f.position_mm[2] for f in display.frames] == [-5, 2.5, 10]


def test_T01_sagittal_order_runs_along_the_normal(write, tmp_path):
    stack(write, [(30, 0, 0), (10, 0, 0), (20, 0, 0)], [0, 1, 0, 0, 0, -1])
    (display,) = displays(tmp_path)
    assert np.allclose(display.geometry.normal, [-1, 0, 0])
    assert [f.position_mm[0] for f in display.frames] == [30, 20, 10]


def tilted(degrees=15.0):
    a = math.radians(degrees)
    return [1, 0, 0, 0, math.cos(a), -math.sin(a)]


def test_T02_spacing_is_the_projected_one(write, tmp_path):
    stack(write, [(0, 0, 0), (0, 0, 5)], tilted(), SliceThickness=5)
    (display,) = displays(tmp_path)
    g = display.geometry
    assert g.spacing_mm[0] == pytest.approx(4.82963, abs=1e-5)
    column = np.asarray(g.direction).reshape(3, 3)[:, 1]
    shift = (np.subtract(g.positions_mm[1], g.positions_mm[0])) @ column
    assert shift == pytest.approx(-1.29410, abs=1e-5)


def test_T03_position_is_the_centre_of_the_first_voxel():
    g = Geometry((1, 10, 20), (1.0, 2.0, 0.5), (-100, -50, 20), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    assert np.allclose(g.world_from_index(10, 4, 0), (-95, -42, 20))
    assert np.allclose(g.world_from_index(-0.5, -0.5, 0), (-100.25, -51, 20))
    back = g.index_from_world(g.world_from_index(3.25, 7.5, 0))
    assert np.abs(back - (3.25, 7.5, 0)).max() < 1e-6


def test_T04_row_spacing_comes_first():
    found = Calibration(MmSource.PATIENT, 0.30, 0.25)
    assert found.length((0, 0), (0, 20)).value == pytest.approx(5.0)
    assert found.length((0, 0), (20, 0)).value == pytest.approx(6.0)
    assert found.length((0, 0), (20, 20)).value == pytest.approx(7.8102, abs=1e-4)


def test_T05_tilt_comes_from_geometry_and_a_rod_stays_straight(write, tmp_path):
    rod = [np.zeros((64, 32), np.int16) for _ in range(12)]
    positions = []
    normal = np.cross(tilted()[:3], tilted()[3:])
    for k, picture in enumerate(rod):
        positions.append((0.0, 0.0, 5.0 * k))
        # a rod along the patient's z at x = 10, y = 20: where each slice meets it
        point = np.array([10, 20, 0.0])
        offset = point - np.array(positions[-1])
        t = offset @ normal / normal[2]
        hit = point - np.array([0, 0, t]) - np.array(positions[-1])
        picture[round(hit @ np.array(tilted()[3:])), 10] = 1000
    found = {}
    for name, tag in (("none", None), ("zero", 0), ("plus", 15), ("minus", -15)):
        folder = tmp_path / name
        folder.mkdir()
        extra = {} if tag is None else {"GantryDetectorTilt": tag}
        names = [f"{name}/{k}.dcm" for k in range(12)]
        stack(write, positions, tilted(), rod, names, **extra)
        (display,) = displays(folder)
        with open_display(display) as reader:
            volume = reader.load()
        found[name], grid = regularise(volume.voxels, display.geometry)
    assert grid.uniform
    assert grid.resampled
    assert all(np.array_equal(found["none"], other) for other in found.values())
    places = []
    for k in range(2, grid.shape[0] - 2):
        weights = found["none"][k].astype(float)
        row, column = np.unravel_index(np.argmax(weights), weights.shape)
        assert weights[row, column] > 0
        places.append(grid.world_from_index(column, row, k))
    places = np.array(places)
    assert np.ptp(places[:, 0]) < 0.01
    assert np.ptp(places[:, 1]) < 2.0  # the slices themselves are sampled at 1 mm


@pytest.mark.parametrize(
    ("depths", "missing", "spacing", "uniform"),
    [
        ((0, 2, 4, 8, 10), (2,), 2.0, False),
        ((0, 2, 4, 7, 9), (), 2.0, False),
        ((0, 2, 4.0005, 6), (), 2.0, True),
        ((0, 2, 4.002, 6), (), 2.0, False),
        ((0, 2, 8, 10), (1, 1), 2.0, False),
        ((0, 6, 12, 15, 21), (), 6.0, False),
    ],
)
def test_T06_every_gap_is_checked(write, tmp_path, depths, missing, spacing, uniform):
    stack(write, [(0, 0, z) for z in depths])
    (display,) = displays(tmp_path)
    g = display.geometry
    assert g.missing_slices == missing
    assert g.spacing_mm[0] == pytest.approx(spacing, abs=2e-3)
    assert g.uniform is uniform
    words = " ".join(display.warnings)
    assert ("missing" in words) == bool(missing)
    assert "2.5" not in words


def test_T06_a_false_position_is_no_million_of_missing_slices(write, tmp_path):
    stack(write, [(0, 0, z) for z in (0, 1, 2, 1e12)])
    (display,) = displays(tmp_path)
    assert display.geometry.missing_slices == ()
    assert not display.geometry.uniform


def test_T07_colours_of_any_encoding_are_one_display(write, tmp_path):
    for i, name in enumerate(("RGB", "YBR_FULL", "RGB")):
        write(f"{i}.dcm", np.zeros((4, 5, 3), np.uint8), PhotometricInterpretation=name)
    (display,) = displays(tmp_path)
    assert display.slices == 3


def test_T07_parts_and_rejects_equal_inputs(write, tmp_path):
    members = [(z, b) for z in range(10) for b in (0.0, 1000.0)]
    random.Random(7).shuffle(members)
    for i, (z, b) in enumerate(members):
        write(
            f"{i}.dcm", np.full((4, 5), i, np.int16), ImagePositionPatient=[0, 0, 3 * z],
            ImageOrientationPatient=AXIAL, PixelSpacing=[1, 1], Modality="MR",
            DiffusionBValue=b, InstanceNumber=i,
        )  # fmt: skip
    write(
        "scout.dcm", np.zeros((4, 5), np.int16), ImagePositionPatient=[0, 0, 0],
        ImageOrientationPatient=[0, 1, 0, 0, 0, -1], PixelSpacing=[1, 1], Modality="MR",
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )  # fmt: skip
    (tmp_path / "notes.txt").write_text("nothing")
    result = scan([tmp_path])
    found = [d for s in result.studies for series in s.series for d in series.displays]
    assert sorted(d.slices for d in found) == [1, 10, 10]
    assert all(d.reason for d in found)
    assert sum(d.slices for d in found) + len(result.skipped) == 22
    assert all(s.reason for s in result.skipped)


def test_T07_the_same_place_twice_is_another_time(write, tmp_path):
    members = [(z, t) for t in range(3) for z in range(5)]
    for i, (z, t) in enumerate(members):
        write(
            f"{i}.dcm", np.full((4, 5), 10 * t + z, np.int16), ImagePositionPatient=[0, 0, z],
            ImageOrientationPatient=AXIAL, PixelSpacing=[1, 1], InstanceNumber=i,
        )  # fmt: skip
    found = displays(tmp_path)
    assert [(d.slices, d.time_index, d.time_count) for d in found] == [
        (5, 0, 3), (5, 1, 3), (5, 2, 3)
    ]  # fmt: skip
    assert len({d.time_group for d in found}) == 1
    with open_display(found[2]) as reader:
        assert [reader.read(i)[0, 0] for i in range(5)] == [20, 21, 22, 23, 24]


def test_T07_scatter_in_the_last_digits_splits_nothing(write, tmp_path):
    """Orientation, spacing and places that differ by rounding: one series of two times."""
    members = [(z, t) for t in range(2) for z in range(4)]
    for i, (z, t) in enumerate(members):
        jitter = (-1) ** i * 2e-6
        write(
            f"{i}.dcm", np.full((4, 5), 10 * t + z, np.int16), InstanceNumber=i,
            ImagePositionPatient=[0.005 + jitter, 0, 3 * z + 0.005 - jitter],
            ImageOrientationPatient=[0.9995 + jitter, 0.0316, 0, -0.0316, 0.9995 - jitter, 0],
            PixelSpacing=[0.70005 + jitter, 0.70005 - jitter],
        )  # fmt: skip
    found = displays(tmp_path)
    assert [(d.slices, d.time_index, d.time_count) for d in found] == [(4, 0, 2), (4, 1, 2)]
    assert all(d.geometry.uniform for d in found)


def test_T08_either_file_order_gives_the_same_right_handed_volume(write, tmp_path):
    arrays = []
    pictures = [np.full((4, 5), i, np.int16) for i in range(4)]
    for name, order in (("up", range(4)), ("down", reversed(range(4)))):
        (tmp_path / name).mkdir()
        order = list(order)
        stack(
            write, [(0, 0, 2 * i) for i in order], pixels=[pictures[i] for i in order],
            names=[f"{name}/{k}.dcm" for k in range(4)], InstanceNumber=list(range(1, 5)),
        )  # fmt: skip
        (display,) = displays(tmp_path / name)
        with open_display(display) as reader:
            arrays.append(reader.load().voxels)
        assert np.linalg.det(display.geometry.matrix[:3, :3]) > 0
        assert np.allclose(display.geometry.world_from_index(1, 2, 3), (1, 2, 6))
    assert np.array_equal(*arrays)


def test_T21_planes_with_uneven_spacing_are_flagged(write, tmp_path):
    stack(write, [(0, 0, z) for z in (0, 3.27, 6.54, 9.81, 14)], Modality="PT")
    (display,) = displays(tmp_path)
    g = display.geometry
    assert not g.uniform
    assert "Irregular spacing" in " ".join(display.warnings)
    length = np.linalg.norm(np.subtract(g.positions_mm[-1], g.positions_mm[0]))
    assert length == pytest.approx(14.0)


def test_an_irregular_stack_on_a_regular_grid_keeps_every_slice_at_its_place():
    depths = (0.0, 2.0, 4.0, 7.0, 9.0)
    positions = tuple((0.0, 0.0, z) for z in depths)
    g = Geometry(
        (5, 3, 4), (2.0, 1.0, 1.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1), "1", False,
        positions_mm=positions, gap_range_mm=(2.0, 3.0),
    )  # fmt: skip
    voxels = np.array(depths, np.float32)[:, None, None] * np.ones((1, 3, 4), np.float32)
    out, grid = regularise(voxels, g)
    for k in range(grid.shape[0]):  # the value is the depth: linear interpolation keeps it
        assert out[k, 0, 0] == pytest.approx(grid.world_from_index(0, 0, k)[2], abs=1e-4)
    assert grid.notes == ("Interpolated from 2.0 to 3.0 mm",)


def test_all_orders_of_a_small_stack_agree(write, tmp_path):
    sums = set()
    for n, order in enumerate(itertools.permutations(range(3))):
        (tmp_path / str(n)).mkdir()
        stack(
            write, [(0, 0, 3 * i) for i in order],
            pixels=[np.full((4, 5), i, np.int16) for i in order],
            names=[f"{n}/{k}.dcm" for k in range(3)],
        )  # fmt: skip
        (display,) = displays(tmp_path / str(n))
        with open_display(display) as reader:
            sums.add(reader.load().voxels.tobytes())
    assert len(sums) == 1
