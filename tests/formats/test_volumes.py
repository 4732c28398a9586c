import bz2
import gzip
import struct
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from medbench.base.errors import BadInputError, IncompleteError, MedbenchError
from medbench.domain.calibration import MmSource
from medbench.domain.image import DisplayKind
from medbench.formats.finding import Context, find
from medbench.formats.opening import open_display
from medbench.formats.volumes import upright_turn, volume_study

CODES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768,
         "i8": 1024, "u8": 1280}  # fmt: skip
PLACED = np.array([[-2.0, 0, 0, 30], [0, -1.5, 0, -12], [0, 0, 3, 7]])
SIZE = (1, 2.0, 1.5, 3.0)


def numbers(shape, code="i2", seed=1):
    dice = np.random.default_rng(seed)
    kind = np.dtype(code)
    if kind.kind == "f":
        return dice.normal(0, 100, shape).astype(kind)
    low = 0 if kind.kind == "u" else -100
    return dice.integers(low, 120, shape).astype(kind)


def nifti(array, *, sform=None, qform=None, pixdim=(1, 1, 1, 1), order="<", slope=0.0, inter=0.0,
          units=2, vox_offset=352.0, magic=b"n+1\0", dim=None, datatype=None, bitpix=None,
          cal=(0.0, 0.0), data=None):  # fmt: skip
    """Bytes of a NIfTI-1 file; ``array`` is (t, z, y, x) or (z, y, x)."""
    code = array.dtype.kind + str(array.dtype.itemsize)
    sizes = array.shape[::-1]
    head = bytearray(348)

    def put(form, at, *values):
        struct.pack_into(order + form, head, at, *values)

    put("i", 0, 348)
    put("8h", 40, *(dim or (len(sizes), *sizes, *(1,) * (7 - len(sizes)))))
    put("hh", 70, datatype or CODES[code], bitpix or array.dtype.itemsize * 8)
    put("4f", 76, *pixdim)
    put("3f", 108, vox_offset, slope, inter)
    head[123] = units
    put("2f", 124, cal[1], cal[0])
    put("hh", 252, int(qform is not None), int(sform is not None))
    if qform is not None:
        put("6f", 256, *qform)
    if sform is not None:
        put("12f", 280, *np.asarray(sform, float).ravel())
    head[344:348] = magic
    cells = array.astype(array.dtype.newbyteorder(order)).tobytes() if data is None else data
    return bytes(head) + b"\0\0\0\0" + cells


def opened(path):
    study = volume_study(path)
    displays = study.series[0].displays
    volumes = []
    for display in displays:
        with open_display(display) as reader:
            volumes.append(reader.load())
    return displays, volumes


def corners(shape):
    z, y, x = shape
    return [(i, j, k) for i in (0, x - 1) for j in (0, y - 1) for k in (0, z - 1)]


def same_as_simpleitk(path, tolerance_mm=1e-3):
    """Voxels and the patient points of the corners, whatever the order of the slices."""
    (display,), (volume,) = opened(path)
    image = sitk.ReadImage(str(path))
    theirs = sitk.GetArrayFromImage(image).astype(volume.voxels.dtype)
    assert volume.ready.all()
    turned = not np.array_equal(volume.voxels, theirs)
    if turned:
        np.testing.assert_array_equal(volume.voxels[::-1], theirs)
    for x, y, z in corners(theirs.shape):
        at = theirs.shape[0] - 1 - z if turned else z
        ours = display.geometry.world_from_index(x, y, at)
        point = image.TransformIndexToPhysicalPoint((x, y, z))
        np.testing.assert_allclose(ours, point, atol=tolerance_mm)
    assert np.linalg.det(display.geometry.matrix[:3, :3]) > 0, "right-handed"
    return display, volume


# -- against SimpleITK's readers --------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(CODES))
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_cell_type_and_byte_order(tmp_path, code, order):
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(numbers((4, 5, 6), code), sform=PLACED, pixdim=SIZE, order=order))
    _, volume = same_as_simpleitk(file)
    if np.dtype(code).kind != "f":
        assert volume.voxels.dtype.kind in "iu", "labels stay whole numbers"


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]],
        [[-1, 0, 0, 5], [0, 1, 0, 6], [0, 0, 2, 7]],  # left-handed
        [[0, 0, 1.5, 5], [-1, 0, 0, 6], [0, -1, 0, 7]],  # sagittal
        [[1, 0, 0, 5], [0, 0, 3, 6], [0, -1, 0, 7]],  # coronal
    ],
)
def test_sform_gives_the_places(tmp_path, matrix):
    file = tmp_path / "v.nii.gz"
    size = (1, *np.linalg.norm(matrix, axis=0)[:3])
    file.write_bytes(gzip.compress(nifti(numbers((4, 5, 6)), sform=matrix, pixdim=size)))
    same_as_simpleitk(file)


@pytest.mark.parametrize("hand", [1, -1, 0])
@pytest.mark.parametrize("quaternion", [(0, 0, 0), (0.5, 0.5, 0.5), (0, 1, 0), (0.1, -0.7, 0.3)])
def test_qform_gives_the_places(tmp_path, quaternion, hand):
    file = tmp_path / "v.nii"
    array = numbers((4, 5, 6), "u1")
    file.write_bytes(nifti(array, qform=(*quaternion, -20, 15, 8), pixdim=(hand, 0.7, 0.8, 2.2)))
    same_as_simpleitk(file)


def test_leaning_slices_are_a_tilt_not_a_lie(tmp_path):
    matrix = [[1, 0, 0, 0], [0, 1, 0.5, 0], [0, 0, 2, 0]]
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(numbers((6, 5, 6)), sform=matrix))
    (display,), _ = opened(file)
    assert not display.geometry.uniform
    assert abs(abs(display.geometry.gantry_tilt_deg) - np.degrees(np.arctan(0.25))) < 1e-6
    for ref, point in zip(display.frames, display.geometry.positions_mm, strict=True):
        expected = np.array([0, -0.5, 2]) * ref.frame
        np.testing.assert_allclose(point, expected, atol=1e-6)


@pytest.mark.parametrize("space", ["left-posterior-superior", "RAS", "left-anterior-superior"])
@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("code", ["uint8", "short", "unsigned int", "float"])
def test_nrrd_spaces_and_encodings(tmp_path, space, encoding, code):
    kind = {"uint8": "u1", "short": "i2", "unsigned int": "u4", "float": "f4"}[code]
    array = numbers((4, 5, 6), kind)
    data = array.tobytes()
    packed = {"raw": lambda d: d, "gzip": gzip.compress, "bzip2": bz2.compress}
    file = tmp_path / "v.nrrd"
    file.write_bytes(nrrd_head(code, "6 5 4", space, encoding) + packed[encoding](data))
    if encoding == "bzip2":  # not built into SimpleITK
        _, (volume,) = opened(file)
        np.testing.assert_array_equal(np.sort(volume.voxels, axis=0), np.sort(array, axis=0))
    else:
        same_as_simpleitk(file)


def nrrd_head(code="short", sizes="6 5 4", space="left-posterior-superior", encoding="raw",
              directions="(0.8,0,0) (0,0.9,0) (0,0,2.5)", extra=""):  # fmt: skip
    return (
        f"NRRD0005\n# a comment: with colon\ntype: {code}\ndimension: {len(sizes.split())}\n"
        f"space: {space}\nsizes: {sizes}\nspace directions: {directions}\nendian: little\n"
        f"encoding: {encoding}\nspace origin: (-10,20.5,3)\nnote:=free text\n{extra}\n"
    ).encode()


@pytest.mark.real_data
def test_all_real_volumes_equal_simpleitk(real_data):
    files = [
        *sorted((real_data / "nifti_volumes").glob("*.nii.gz")),
        *sorted((real_data / "seg_hippocampus").rglob("*.nii*"))[::8],
        *sorted((real_data / "seg_headneck_two_raters").rglob("*.nrrd"))[::16],
    ]
    assert len(files) > 15
    for file in files:
        same_as_simpleitk(file)


# -- what a file says about its values ---------------------------------------------------------


def test_slope_and_intercept(tmp_path):
    array = numbers((3, 4, 5))
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(array, sform=PLACED, slope=2.5, inter=-7))
    _, (volume,) = opened(file)
    np.testing.assert_allclose(volume.voxels, array * 2.5 - 7, rtol=1e-6)
    assert volume.voxels.dtype == np.float32
    file.write_bytes(nifti(array, sform=PLACED, slope=1, inter=-1024))
    _, (volume,) = opened(file)
    np.testing.assert_array_equal(volume.voxels, array.astype(int) - 1024)
    assert volume.voxels.dtype == np.int32


@pytest.mark.parametrize("slope", [0.0, float("nan")])
def test_no_slope_means_stored_values(tmp_path, slope):
    array = numbers((3, 4, 5))
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(array, sform=PLACED, slope=slope, inter=5.0))
    _, (volume,) = opened(file)
    np.testing.assert_array_equal(volume.voxels, array)


def test_large_labels_stay_exact(tmp_path):
    array = np.array([[[0, 16_777_217, 2_000_000_001]]], "i8")
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(array, sform=PLACED))
    _, (volume,) = opened(file)
    assert volume.voxels.ravel().tolist() == [0, 16_777_217, 2_000_000_001]


def test_cal_min_and_max_are_the_window(tmp_path):
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(numbers((3, 4, 5)), sform=PLACED, cal=(-10.0, 90.0)))
    (display,) = volume_study(file).series[0].displays
    with open_display(display) as reader:
        (voi,) = reader.info(0).vois
    assert (voi.center, voi.width) == (40.0, 100.0)


def test_four_dimensions_become_time_points(tmp_path):
    array = numbers((3, 4, 5, 6))
    for name, data in (("v.nii", nifti(array, sform=PLACED)),
                       ("v.nii.gz", gzip.compress(nifti(array, sform=PLACED)))):  # fmt: skip
        file = tmp_path / name
        file.write_bytes(data)
        displays, volumes = opened(file)
        assert [(d.time_index, d.time_count, d.time_group) for d in displays] == [
            (0, 3, 1), (1, 3, 1), (2, 3, 1),
        ]  # fmt: skip
        assert len({d.display_id for d in displays}) == 3
        for time, (display, volume) in enumerate(zip(displays, volumes, strict=True)):
            order = [ref.frame - 4 * time for ref in display.frames]
            np.testing.assert_array_equal(volume.voxels, array[time][order])
            with open_display(display) as reader:
                np.testing.assert_array_equal(reader.read(1), array[time][order[1]])


@pytest.mark.parametrize("axes", ["first", "last"])
def test_nrrd_lists_become_time_points(tmp_path, axes):
    array = numbers((3, 4, 5, 6))
    if axes == "last":
        head = nrrd_head(sizes="6 5 4 3", directions="(1,0,0) (0,1,0) (0,0,1) none")
        data = array.tobytes()
    else:
        head = nrrd_head(sizes="3 6 5 4", directions="none (1,0,0) (0,1,0) (0,0,1)")
        data = np.ascontiguousarray(np.moveaxis(array, 0, -1)).tobytes()
    file = tmp_path / "v.nrrd"
    file.write_bytes(head + data)
    displays, volumes = opened(file)
    assert [d.time_index for d in displays] == [0, 1, 2]
    for time, volume in enumerate(volumes):
        np.testing.assert_array_equal(volume.voxels, array[time])


def test_colour_volumes(tmp_path):
    array = numbers((3, 4, 5, 3), "u1")
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(array[..., 0], sform=PLACED, datatype=128, bitpix=24,
                           data=array.tobytes()))  # fmt: skip
    (display,), (volume,) = opened(file)
    assert display.colour
    order = [ref.frame for ref in display.frames]
    np.testing.assert_array_equal(volume.voxels, array[order])
    kinds = "kinds: RGB-color domain domain domain\n"
    file = tmp_path / "v.nrrd"
    file.write_bytes(
        nrrd_head("uchar", "3 5 4 3", directions="none (1,0,0) (0,1,0) (0,0,1)", extra=kinds)
        + array.tobytes()
    )
    _, (volume,) = opened(file)
    np.testing.assert_array_equal(volume.voxels, array)


def test_pairs_open_by_either_file_and_count_both(tmp_path):
    array = numbers((3, 4, 5))
    whole = nifti(array, sform=PLACED, magic=b"ni1\0", vox_offset=0)
    (tmp_path / "v.hdr").write_bytes(whole[:348])
    (tmp_path / "v.img").write_bytes(whole[352:])
    for path in (tmp_path, tmp_path / "v.img", tmp_path / "v.hdr"):
        found = find([path], Context(tmp_path / "scratch"))
        (study,) = found.studies
        (volume,) = opened(tmp_path / "v.hdr")[1]
        assert volume.ready.all()
        assert not found.skipped
        assert {i.path.name for i in study.series[0].instances} == {"v.hdr", "v.img"}


def test_nifti_2(tmp_path):
    array = numbers((3, 4, 5))
    head = bytearray(544)
    struct.pack_into("<i8shh8q", head, 0, 540, b"n+2\0\r\n\x1a\n", 4, 16, 3, 5, 4, 3, 1, 1, 1, 1)
    struct.pack_into("<8d", head, 104, *(1.0,) * 8)
    struct.pack_into("<q", head, 168, 544)
    struct.pack_into("<2i", head, 344, 0, 1)
    struct.pack_into("<12d", head, 400, *PLACED.ravel())
    struct.pack_into("<i", head, 500, 2)
    file = tmp_path / "v.nii"
    file.write_bytes(bytes(head) + array.tobytes())
    (display,), (volume,) = opened(file)  # SimpleITK reads no NIfTI-2
    np.testing.assert_array_equal(volume.voxels, array)
    np.testing.assert_allclose(display.geometry.origin_mm, (-30, 12, 7))
    np.testing.assert_allclose(display.geometry.spacing_mm, (3, 1.5, 2))


def test_detached_nrrd_in_its_folder(tmp_path):
    array = numbers((4, 5, 6))
    (tmp_path / "v.nhdr").write_bytes(nrrd_head(extra="data file: v.raw\n"))
    (tmp_path / "v.raw").write_bytes(array.tobytes())
    same_as_simpleitk(tmp_path / "v.nhdr")
    found = find([tmp_path], Context(tmp_path / "scratch"))
    assert found.files == 2
    assert not found.skipped


# -- nothing is assumed ------------------------------------------------------------------------


def test_without_forms_there_is_no_orientation(tmp_path):
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(numbers((3, 4, 5)), pixdim=(1, 0.5, 0.6, 2)))
    (display,), (volume,) = opened(file)
    assert display.kind is DisplayKind.STACK
    assert display.geometry is None
    assert display.pixel_spacing_mm == pytest.approx((0.6, 0.5))
    assert "does not say how it lies" in display.reason
    info = volume.infos[0]
    assert info.orientation.row == ""
    assert info.calibration.source is MmSource.UNKNOWN


def test_without_space_there_is_no_orientation(tmp_path):
    file = tmp_path / "v.nrrd"
    text = b"NRRD0004\ntype: short\ndimension: 3\nsizes: 6 5 4\nendian: little\nencoding: raw\n\n"
    file.write_bytes(text + numbers((4, 5, 6)).tobytes())
    (display,), (volume,) = opened(file)
    assert display.geometry is None
    assert display.pixel_spacing_mm is None
    assert volume.infos[0].calibration.source is MmSource.NONE


def test_units_other_than_mm_are_converted(tmp_path):
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(numbers((3, 4, 5)), sform=PLACED / 1000, units=1))
    (display,), _ = opened(file)
    assert display.geometry.spacing_mm == pytest.approx((3, 1.5, 2), rel=1e-5)


def test_disagreeing_forms_are_told(tmp_path):
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(numbers((3, 4, 5)), sform=PLACED, qform=(0, 0, 0, 0, 0, 0)))
    (display,), _ = opened(file)
    assert any("disagree" in w for w in display.warnings)


BAD_MATRIX = {
    "nan": np.where(np.eye(3, 4) == 1, np.nan, 0.0),
    "zero": np.zeros((3, 4)),
    "flat": np.array([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]], float),
    "infinite": np.where(np.eye(3, 4) == 1, np.inf, 0.0),
}


@pytest.mark.parametrize("name", BAD_MATRIX)
def test_F073_a_damaged_sform_is_no_reason_to_take_the_qform(tmp_path, name):
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(numbers((3, 4, 5)), sform=BAD_MATRIX[name], qform=(0,) * 6))
    with pytest.raises(BadInputError, match="sform"):
        volume_study(file)


@pytest.mark.parametrize(
    "options",
    [
        {"qform": (1, 1, 1, 0, 0, 0)},
        {"qform": (float("nan"), 0, 0, 0, 0, 0)},
        {"qform": (0,) * 6, "pixdim": (1, 0, 1, 1)},
        {"qform": (0,) * 6, "pixdim": (1, float("nan"), 1, 1)},
        {"dim": (3, -5, 4, 3, 1, 1, 1, 1)},
        {"dim": (0, 5, 4, 3, 1, 1, 1, 1)},
        {"dim": (9, 5, 4, 3, 1, 1, 1, 1)},
        {"dim": (3, 32767, 32767, 32767, 1, 1, 1, 1)},
        {"dim": (3, 1000, 1000, 400, 1, 1, 1, 1)},
        {"dim": (5, 5, 4, 1, 1, 3, 1, 1)},
        {"datatype": 32, "bitpix": 64},
        {"datatype": 1},
        {"datatype": 9999},
        {"bitpix": 8},
        {"vox_offset": 100.0},
        {"vox_offset": float("nan")},
        {"vox_offset": 1e9},
        {"vox_offset": -352.0},
        {"magic": b"\0\0\0\0"},
        {"magic": b"ni1\0"},
        {"units": 7},
    ],
)
def test_F073_impossible_headers_are_refused(tmp_path, options):
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(numbers((3, 4, 5)), **{"sform": PLACED, **options}
                           if "qform" not in options else options))  # fmt: skip
    with pytest.raises(BadInputError):
        volume_study(file)


def test_F073_every_cut_is_refused(tmp_path):
    whole = nifti(numbers((3, 4, 5)), sform=PLACED)
    raw, packed = tmp_path / "v.nii", tmp_path / "v.nii.gz"
    zipped = gzip.compress(whole)
    for length in range(0, len(whole), 13):
        raw.write_bytes(whole[:length])
        with pytest.raises(BadInputError):
            volume_study(raw)
    for length in range(0, len(zipped) - 8, 3):
        packed.write_bytes(zipped[:length])
        with pytest.raises(BadInputError):
            volume_study(packed)


def test_F073_a_small_gz_that_promises_much_is_refused_at_once(tmp_path):
    head = nifti(np.zeros((1, 1, 1), "i2"), sform=PLACED, dim=(3, 2000, 2000, 1000, 1, 1, 1, 1))
    file = tmp_path / "v.nii.gz"
    file.write_bytes(gzip.compress(head))
    with pytest.raises(IncompleteError, match="cannot hold"):
        volume_study(file)


def test_changed_bytes_of_a_gz_are_noticed(tmp_path):
    array = numbers((6, 20, 20))
    data = bytearray(gzip.compress(nifti(array, sform=PLACED)))
    data[-7] ^= 1  # the checksum
    file = tmp_path / "v.nii.gz"
    file.write_bytes(data)
    (_,), (volume,) = opened(file)
    assert not volume.ready.any()
    assert len(volume.failed) == 6


def test_F076_detached_data_outside_the_folder_are_refused(tmp_path):
    outside = tmp_path / "out.raw"
    outside.write_bytes(numbers((4, 5, 6)).tobytes())
    inner = tmp_path / "in"
    inner.mkdir()
    (inner / "link.raw").symlink_to(outside)
    for target in ("../out.raw", str(outside), "link.raw", "..\\out.raw", "sub/../../out.raw", ""):
        (inner / "v.nhdr").write_bytes(nrrd_head(extra=f"data file: {target}\n"))
        with pytest.raises(BadInputError):
            volume_study(inner / "v.nhdr")


@pytest.mark.parametrize(
    "change",
    [
        (b"sizes: 6 5 4", b"sizes: 6 5"), (b"sizes: 6 5 4", b"sizes: 6 -5 4"),
        (b"sizes: 6 5 4", b"sizes: 60 50 40"), (b"sizes: 6 5 4", b"sizes: x y z"),
        (b"type: short", b"type: block"), (b"endian: little\n", b""),
        (b"encoding: raw", b"encoding: hex"), (b"dimension: 3", b"dimension: 99"),
        (b"(0,0,2.5)", b"(0,0,nan)x"), (b"(0,0,2.5)", b"(0,0,0)"), (b"(0,0,2.5)", b"(0.8,0,0)"),
        (b"(0,0,2.5)", b"(0,0,2.5"), (b"NRRD0005", b"NOTNRRD0"),
        (b"note:=free text", b"byte skip: 9999"), (b"note:=free text", b"line skip: 1"),
        (b"(-10,20.5,3)", b"(-10)"), (b"note:=free text", b"data file: LIST"),
        (b"note:=free text", b'space units: "furlong" "mm" "mm"'),
    ],
)  # fmt: skip
def test_impossible_nrrd_headers_are_refused(tmp_path, change):
    whole = nrrd_head() + numbers((4, 5, 6)).tobytes()
    assert change[0] in whole
    file = tmp_path / "v.nrrd"
    file.write_bytes(whole.replace(*change, 1))
    with pytest.raises(BadInputError):
        volume_study(file)


def test_3000_mutated_headers_end_in_volumes_or_typed_errors(tmp_path):
    import random

    dice = random.Random(3)
    good = [
        ("v.nii", nifti(numbers((3, 4, 5)), sform=PLACED, qform=(0, 0, 0, 1, 2, 3)), 352),
        ("v.nii.gz", gzip.compress(nifti(numbers((3, 4, 5)), sform=PLACED)), None),
        ("v.nrrd", nrrd_head(encoding="gzip") + gzip.compress(numbers((4, 5, 6)).tobytes()), 300),
    ]
    shown = 0
    for round_ in range(3000):
        name, data, head = good[round_ % 3]
        data = bytearray(data)
        for _ in range(dice.choice((1, 1, 2, 4))):
            data[dice.randrange(min(len(data), head or len(data)))] = dice.randrange(256)
        file = tmp_path / name
        file.write_bytes(data)
        try:
            for display in volume_study(file).series[0].displays[:2]:
                with open_display(display) as reader:
                    reader.read(0)
                    reader.info(0)
        except MedbenchError:
            continue
        shown += 1
    assert shown > 500


def test_a_file_that_changed_since_is_refused(tmp_path):
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(numbers((3, 4, 5)), sform=PLACED))
    (display,) = volume_study(file).series[0].displays
    file.write_bytes(nifti(numbers((3, 5, 5)), sform=PLACED))
    with pytest.raises(BadInputError, match="changed"):
        open_display(display)


def test_no_reader_for_an_unknown_kind(tmp_path):
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(numbers((3, 4, 5)), sform=PLACED))
    (display,) = volume_study(file).series[0].displays
    with pytest.raises(BadInputError, match="no reader"):
        open_display(replace(display, source="tape"))


@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        ((1, 0, 0, 0, 1, 0), (0, False)),
        ((-1, 0, 0, 0, -1, 0), (180, False)),
        ((-1, 0, 0, 0, 1, 0), (0, True)),
        ((1, 0, 0, 0, -1, 0), (180, True)),
        ((0, 1, 0, 0, 0, -1), (0, False)),
        ((0, -1, 0, 0, 0, 1), (180, False)),
        ((), (0, False)),
    ],
)
def test_planes_are_shown_upright(orientation, expected):
    assert upright_turn(orientation) == expected


def test_slices_of_volume_files_can_be_cases(tmp_path):
    from medbench.cohorts.reading import read_dicom_frame

    array = numbers((3, 4, 5))
    file = tmp_path / "v.nii"
    file.write_bytes(nifti(array, sform=np.diag([2.0, 2, 2, 1])[:3]))
    for frame in range(3):
        np.testing.assert_array_equal(read_dicom_frame(file, "", frame), array[frame][::-1, ::-1])
    with pytest.raises(MedbenchError, match="no slice"):
        read_dicom_frame(file, "", 3)
