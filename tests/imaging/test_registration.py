"""Known transforms are found again; what cannot be aligned is called poor; stopping is quick."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from medbench.base.errors import BadInputError, CancelledError
from medbench.domain.alignment import (
    AlignmentQuality,
    AlignmentSpace,
    SimilarityKind,
    geometry_fingerprint,
    judged,
)
from medbench.domain.geometry import Geometry
from medbench.formats.finding import Context, find
from medbench.formats.opening import open_display
from medbench.imaging.registration import register
from medbench.imaging.registration_input import (
    RegistrationImage,
    correlation,
    reduced,
    shared_information,
    similarity_kind,
)


def itk_image(image):
    """Independent of the code under test: straight from the array and the geometry."""
    made = sitk.GetImageFromArray(image.values.astype(np.float32))
    made.SetSpacing(image.geometry.spacing_mm[::-1])
    made.SetOrigin(image.geometry.origin_mm)
    made.SetDirection(image.geometry.direction)
    return made


def moved(image, turn_deg, shift_mm, spacing_xyz=None, keep=(0.0, 1.0)):
    """The same body, turned and shifted, on a grid of its own: (prior, true transform)."""
    source = itk_image(image)
    truth = sitk.Euler3DTransform()
    truth.SetCenter(
        source.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in source.GetSize()])
    )
    truth.SetRotation(*np.radians(turn_deg))
    truth.SetTranslation(shift_mm)
    spacing = np.array(spacing_xyz or source.GetSpacing())
    size = np.maximum(
        1, np.round(np.array(source.GetSize()) * source.GetSpacing() / spacing)
    ).astype(int)
    axes = np.array(source.GetDirection()).reshape(3, 3)
    first, last = (int(size[2] * part) for part in keep)
    origin = np.array(source.GetOrigin()) + axes[:, 2] * first * spacing[2]
    size[2] = last - first
    out = sitk.Resample(
        source, [int(n) for n in size], truth.GetInverse(), sitk.sitkLinear, origin.tolist(),
        spacing.tolist(), source.GetDirection(), float(image.values.min()),
    )  # fmt: skip
    values = sitk.GetArrayFromImage(out).astype(image.values.dtype)
    x, y, z = (float(v) for v in spacing)
    geometry = Geometry(
        values.shape, (z, y, x), tuple(float(v) for v in origin), image.geometry.direction, "prior"
    )
    return replace(image, values=values, geometry=geometry), truth


def corners(geometry):
    z, y, x = geometry.shape
    return [
        geometry.world_from_index(i, j, k)
        for i in (0, x - 1)
        for j in (0, y - 1)
        for k in (0, z - 1)
    ]


def corner_error_mm(alignment, truth, geometry):
    """Largest target registration error over the eight corners of the volume."""
    found = alignment.array
    return max(
        float(np.linalg.norm(found[:3, :3] @ p + found[:3, 3] - truth.TransformPoint(p.tolist())))
        for p in corners(geometry)
    )


def body(seed=3, shape=(48, 72, 72), spacing=(2.5, 2.0, 2.0), modality="CT"):
    """A lopsided body with organs, no symmetry to hide a turn in."""
    rng = np.random.default_rng(seed)
    z, y, x = (np.arange(n) - (n - 1) / 2 for n in shape)
    z, y, x = z[:, None, None] * spacing[0], y[None, :, None] * spacing[1], x * spacing[2]
    inside = (x / 58) ** 2 + ((y - 4) / 44) ** 2 + (z / 200) ** 2 < 1
    values = np.where(inside, 40.0, -1000.0)
    for _ in range(22):
        at = rng.uniform((-45, -30, -50), (45, 30, 50))
        size = rng.uniform(5, 14, 3)
        blob = ((x - at[0]) / size[0]) ** 2 + ((y - at[1]) / size[1]) ** 2
        blob = blob + ((z - at[2]) / size[2]) ** 2 < 1
        values[blob & inside] = rng.uniform(-800, 700)
    values = ndimage.gaussian_filter(values, 0.8) + rng.normal(0, 8, shape)
    geometry = Geometry(
        shape, spacing, (-70.0, -80.0, 30.0), (1, 0, 0, 0, 1, 0, 0, 0, 1), f"frame-{seed}"
    )
    return RegistrationImage(values.astype(np.int16), geometry, modality)


@pytest.fixture(scope="module")
def thorax():
    return body()


@pytest.mark.parametrize(
    ("turn", "shift", "spacing", "keep"),
    [
        ((4, -3, 6), (12, -8, 15), None, (0.0, 1.0)),
        ((-5, 4, 2), (-20, 10, -18), (1.4, 1.4, 4.0), (0.0, 1.0)),
        ((3, 2, -4), (5, 9, -7), None, (0.35, 1.0)),
    ],
    ids=["same grid", "another spacing", "a part of it"],
)
def test_a_known_transform_is_found(thorax, turn, shift, spacing, keep):
    prior, truth = moved(thorax, turn, shift, spacing, keep)
    found = register(thorax, prior)
    assert found.kind is SimilarityKind.CORRELATION
    assert corner_error_mm(found, truth, thorax.geometry) < 2.0  # one voxel
    assert found.quality is not AlignmentQuality.POOR, found.reason
    assert found.similarity > found.similarity_before
    assert found.rotation_deg == pytest.approx(
        np.degrees(np.arccos((np.trace(np.reshape(truth.GetMatrix(), (3, 3))) - 1) / 2)), abs=0.6
    )
    if keep != (0.0, 1.0):
        assert 0.4 < found.overlap < 0.8


def test_the_headers_may_lie_far_apart(thorax):
    """Table positions of two scans differ by decimetres: starts from the fields' centres."""
    far = replace(thorax.geometry, origin_mm=(300.0, -500.0, -900.0), frame_of_reference_uid="b")
    found = register(thorax, replace(thorax, geometry=far))
    shift = np.array([300.0, -500.0, -900.0]) - thorax.geometry.origin_mm
    assert found.array[:3, 3] == pytest.approx(shift, abs=0.5)
    assert found.array[:3, :3] == pytest.approx(np.eye(3), abs=0.01)
    assert found.similarity_before == 0.0
    assert found.quality is AlignmentQuality.GOOD


def test_another_body_is_poor_and_says_why(thorax):
    rng = np.random.default_rng(1)
    clouds = ndimage.gaussian_filter(rng.normal(size=thorax.values.shape), 3) * 1000
    found = register(thorax, replace(thorax, values=clouds, modality="MR"))
    assert found.kind is SimilarityKind.INFORMATION
    assert found.quality is AlignmentQuality.POOR
    assert "below" in found.reason or "misses" in found.reason or "body" in found.reason


def test_the_same_input_gives_the_same_answer():
    small = body(shape=(20, 36, 36), spacing=(6.0, 4.0, 4.0))
    prior, _ = moved(small, (2, 1, -3), (4, 4, 4))
    assert register(small, prior).matrix == register(small, prior).matrix


def test_it_stops_within_a_second(thorax):
    prior, _ = moved(thorax, (4, -3, 6), (12, -8, 15))
    flag, ended = threading.Event(), []

    def work():
        try:
            register(thorax, prior, cancelled=flag.is_set, progress=lambda f, _: began.set())
        except CancelledError:
            ended.append(time.monotonic())

    began = threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    assert began.wait(20)
    time.sleep(0.2)
    asked = time.monotonic()
    flag.set()
    thread.join(20)
    assert ended, "it finished before it was asked to stop"
    assert ended[0] - asked < 1.0


def test_progress_rises_to_one(thorax):
    prior, _ = moved(thorax, (1, 0, 0), (3, 0, 0))
    seen = []
    register(thorax, prior, progress=lambda fraction, words: seen.append((fraction, words)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert all(words for _, words in seen)


# pictures


def radiograph(size=320, seed=5):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size].astype(float)
    values = 900 - 500 * np.exp(-(((x - 158) / 90) ** 2 + ((y - 170) / 105) ** 2))
    for _ in range(26):
        at, size_px = rng.uniform(60, 260, 2), rng.uniform(4, 22, 2)
        values += rng.uniform(-220, 260) * np.exp(
            -(((x - at[0]) / size_px[0]) ** 2 + ((y - at[1]) / size_px[1]) ** 2)
        )
    return values


def turned_picture(values, degrees, shift_px, scale=1.0, edge=40):
    """The inner part of a picture, and of the same one turned: (current, prior, matrix of x, y)."""
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = (np.array(values.shape[::-1]) - 1) / 2
    back = np.linalg.inv(turn)
    offset = (centre - back @ (centre + shift_px))[::-1]
    other = ndimage.affine_transform(values, back[::-1, ::-1], offset, order=1)
    inner = (slice(edge, -edge),) * 2
    matrix = np.eye(4)
    matrix[:2, :2] = turn
    matrix[:2, 3] = (centre - edge) + shift_px - turn @ (centre - edge)
    return values[inner], other[inner], matrix


def picture_error(found, matrix, size, unit=1.0):
    points = np.array([[0, 0], [0, size], [size, 0], [size, size]], float) * 0.8 + size * 0.1
    there = points @ matrix[:2, :2].T + matrix[:2, 3]
    got = points * unit @ found.array[:2, :2].T + found.array[:2, 3]
    return float(np.abs(got / unit - there).max())


def test_radiographs_of_known_pixels_turn_and_shift():
    values, other, matrix = turned_picture(radiograph(), 4.0, np.array([9.0, -6.0]))
    current = RegistrationImage(values, modality="CR", pixel_mm=(0.4, 0.4))
    prior = RegistrationImage(other, modality="CR", pixel_mm=(0.4, 0.4), inverted=True)
    found = register(current, prior)
    assert found.space is AlignmentSpace.PICTURE
    assert picture_error(found, matrix, 240, 0.4) < 1.0
    assert found.quality is AlignmentQuality.GOOD, found.reason
    assert found.rotation_deg == pytest.approx(4.0, abs=0.3)


def test_pictures_without_millimetres_may_differ_in_scale():
    values, other, matrix = turned_picture(radiograph(seed=8), -3.0, np.array([5.0, 7.0]), 1.08)
    found = register(
        RegistrationImage(values, modality="CR"), RegistrationImage(other, modality="CR")
    )
    assert picture_error(found, matrix, 240) < 1.0
    assert np.hypot(*found.array[:2, 0]) == pytest.approx(1.08, abs=0.005)


# inputs and numbers


def test_a_picture_and_a_volume_are_refused(thorax):
    with pytest.raises(BadInputError, match="single picture"):
        register(thorax, RegistrationImage(radiograph(), modality="CR"))


def test_slices_without_a_grid_are_refused(thorax):
    leaning = replace(thorax, geometry=replace(thorax.geometry, uniform=False))
    with pytest.raises(BadInputError, match="regular"):
        register(leaning, thorax)


def test_block_means_keep_their_place():
    values = np.arange(4 * 6 * 8, dtype=np.int16).reshape(4, 6, 8)
    geometry = Geometry(
        (4, 6, 8), (2.0, 0.5, 0.4), (10.0, 20.0, 30.0), (0, 1, 0, 0, 0, -1, -1, 0, 0)
    )
    image = reduced(RegistrationImage(values, geometry, "MR"), 1.0)
    assert image.GetSpacing() == pytest.approx((0.8, 1.0, 2.0))
    first = np.mean([geometry.world_from_index(x, y, 0) for x in (0, 1) for y in (0, 1)], axis=0)
    assert image.GetOrigin() == pytest.approx(first)
    expected = values.reshape(4, 3, 2, 4, 2).mean(axis=(2, 4))
    low, high = np.percentile(expected, (0.1, 99.8))
    assert sitk.GetArrayFromImage(image) == pytest.approx(np.clip(expected, low, high), rel=1e-5)


def test_padding_is_no_anatomy(thorax):
    values = thorax.values.copy()
    values[:, :6] = -2000
    image = reduced(replace(thorax, values=values, padding=(-2000.0, -2000.0)), 0.0)
    assert sitk.GetArrayFromImage(image)[:, :6].max() == -1000.0


def test_similarities_against_other_implementations():
    rng = np.random.default_rng(0)
    a = rng.normal(size=5000).astype(np.float32)
    b = (a + rng.normal(size=5000)).astype(np.float32)
    assert correlation(a, b) == pytest.approx(abs(np.corrcoef(a, b)[0, 1]), abs=1e-6)
    assert correlation(a, -b) == pytest.approx(correlation(a, b))
    from sklearn.metrics import normalized_mutual_info_score

    codes = []
    for values in (a, b):
        low, high = np.percentile(values, (0.5, 99.5))
        codes.append(np.clip((values - low) * 32 / (high - low), 0, 31).astype(int))
    assert shared_information(a, b) == pytest.approx(normalized_mutual_info_score(*codes), abs=1e-6)
    assert shared_information(a, np.ones_like(a)) == 0.0


def test_one_grey_scale_is_correlated_all_else_shares_information():
    ct, mr = (RegistrationImage(np.zeros((2, 2, 2)), modality=m) for m in ("CT", "MR"))
    assert similarity_kind(ct, ct) is SimilarityKind.CORRELATION
    assert similarity_kind(ct, mr) is SimilarityKind.INFORMATION
    assert similarity_kind(mr, mr) is SimilarityKind.INFORMATION


@pytest.mark.parametrize(
    ("numbers", "word", "part"),
    [
        ((0.3, 0.9, 0.9, 1.0), AlignmentQuality.GOOD, "overlap 90%"),
        ((0.3, 0.7, 0.9, 1.0), AlignmentQuality.FAIR, "not good because"),
        ((0.3, 0.9, 0.3, 1.0), AlignmentQuality.FAIR, "only 30% of the body"),
        ((0.3, 0.9, 0.9, 3.0), AlignmentQuality.FAIR, "misses by 3.0 mm"),
        ((0.3, 0.5, 0.9, 1.0), AlignmentQuality.POOR, "below 0.60"),
        ((0.3, 0.9, 0.1, 1.0), AlignmentQuality.POOR, "nly 10%"),
        ((0.3, 0.9, 0.9, 9.0), AlignmentQuality.POOR, "misses by 9.0 mm"),
        ((0.98, 0.9, 0.9, 1.0), AlignmentQuality.POOR, "fell from 0.98 to 0.90"),
    ],
)
def test_the_rule_of_the_word(numbers, word, part):
    found, reason = judged(SimilarityKind.CORRELATION, *numbers)
    assert found is word
    assert part in reason


def test_a_fingerprint_changes_with_the_geometry(thorax):
    one = geometry_fingerprint(thorax.geometry, None)
    assert one == geometry_fingerprint(thorax.geometry, None)
    shifted = replace(thorax.geometry, origin_mm=(-70.0, -80.0, 30.5))
    assert one != geometry_fingerprint(shifted, None)


# real series


def opened(folder, words, tmp_path):
    found = find([folder], Context(tmp_path / "scratch"))
    displays = [d for s in found.studies for series in s.series for d in series.displays]
    display = next(d for d in displays if words in d.description)
    with open_display(display) as reader:
        volume = reader.load()
    return RegistrationImage(
        volume.voxels, display.geometry, display.modality, display.description,
        volume.infos[0].padding,
    )  # fmt: skip


@pytest.mark.real_data
def test_a_real_brain_is_found_again(real_data, tmp_path):
    folder = real_data / "dicom_series" / "mr_brain_tumour_multiseq_study3"
    flair = opened(folder, "FLAIR", tmp_path)
    prior, truth = moved(flair, (-5, 4, 2), (-20, 10, -18), (1.3, 1.3, 3.1))
    found = register(flair, prior)
    assert corner_error_mm(found, truth, flair.geometry) < min(flair.geometry.spacing_mm)
    assert found.quality is AlignmentQuality.GOOD, found.reason


@pytest.mark.real_data
def test_two_real_sequences_meet_after_a_displaced_header(real_data, tmp_path):
    """FLAIR and T1 of one study were registered by their makers: T1's header is moved away."""
    folder = real_data / "dicom_series" / "mr_brain_tumour_multiseq_study3"
    flair, t1 = opened(folder, "FLAIR", tmp_path), opened(folder, "T1", tmp_path)
    away = np.array([37.0, -22.0, 61.0])
    origin = tuple(float(v) for v in np.asarray(t1.geometry.origin_mm) + away)
    far = replace(
        t1, geometry=replace(t1.geometry, origin_mm=origin, frame_of_reference_uid="other")
    )
    found = register(flair, far)
    truth = sitk.TranslationTransform(3, away.tolist())
    assert corner_error_mm(found, truth, flair.geometry) < 1.5
    assert found.quality is AlignmentQuality.GOOD, found.reason
