"""Every file of the conformance data: accounted for, its stored values, its picture or its reason.

The expectations are EXPECTED_pydicom302.csv (decode status, shape, md5 ... of the raw arrays) and
MANIFEST.csv beside the files. What differs from a raw array by rule is derived here from pydicom's
own raw array, whose md5 is compared first: cells masked and sign-extended (PS3.5 8.1.1), colour as
8-bit RGB (PS3.3 C.7.6.3.1.2).
"""

import csv
import json
import warnings
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
from PIL import Image
from pydicom.pixels import (
    apply_color_lut,
    apply_modality_lut,
)

from medbench.base.errors import MedbenchError
from medbench.cli.main import main
from medbench.cli.verbs import array as array_verb
from medbench.cli.verbs import render as render_verb
from medbench.dicom.dataset import read_dataset
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.pixel_source import PixelSource
from medbench.dicom.scan import scan
from medbench.dicom.segmentation import read_segmentation
from medbench.dicom.structures import read_structures
from medbench.formats.opening import open_display
from medbench.imaging.window import voi_curve
from tests.dicom.oracles import LOSSY, compare, grey_of, known_to_pydicom, raw_array

PICTURES = ("volume", "stack", "multiframe")

# words of the reason by the first words of what pydicom said, where it could not decode either
FAILURES = {
    "The number of bytes of pixel data is less": "incomplete",
    "Unable to decode the pixel data as the dataset's 'file_meta' has no": "Rows or Columns",
    "Missing required element: (0028,0100)": "Rows or Columns",
    "Missing required element: (0028,0010)": "Rows or Columns",
    "'<=' not supported between": "incomplete",
}
# words of the reason by SOP class, for objects without pixels
OBJECTS = {
    "SR": "not shown as an image",
    "Plan": "not shown as an image",
    "Waveform": "not shown as an image",
    "Structure Set": "not shown as an image",
    "Palette": "not shown as an image",
    "Spectroscopy": "not shown as an image",
    "Value Mapping": "not shown as an image",
    "Media Storage Directory": "DICOMDIR",
}


def place_of(name, root):
    """A file of the data set, or one that pydicom ships."""
    if not name.startswith("pydicom/"):
        return root / name
    return Path(pydicom.data.__file__).parent / name.removeprefix("pydicom/")


@pytest.fixture(scope="module")
def files(real_data):
    """(name, path, expected row, SOP class) of every file."""
    root = real_data / "dicom_conformance"
    with (root / "MANIFEST.csv").open(encoding="utf-8") as handle:
        classes = {row["file"]: row["sop_class"] for row in csv.DictReader(handle)}
    with (root / "EXPECTED_pydicom302.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    found = [(r["file"], place_of(r["file"], root), r, classes[r["file"]]) for r in rows]
    assert len(found) > 300
    assert [name for name, path, _, _ in found if not path.exists()] == []
    return found


@pytest.fixture(scope="module")
def scans(files):
    return {name: scan([path]) for name, path, _, _ in files}


@pytest.fixture
def pool():
    with DecoderPool(2) as made:
        yield made


def displays_of(result):
    return [d for study in result.studies for series in study.series for d in series.displays]


def is_directory(sop_class, name):
    return "Directory" in sop_class or "DICOMDIR" in Path(name).name


def test_every_file_is_accounted_for(files, scans):
    lost = []
    for name, path, _, _ in files:
        result = scans[name]
        shown = {i.path for s in result.studies for series in s.series for i in series.instances}
        left = {s.path: s.reason for s in result.skipped}
        if path not in shown and path not in left:
            lost.append(name)
        assert all(left.values()), name
        for display in displays_of(result):
            assert display.kind.value in PICTURES or display.reason, name
    assert lost == []


def test_stored_values_are_those_expected(files, scans, pool):
    wrong, counts = {}, Counter()
    for name, path, row, sop_class in files:
        if row["status"] != "ok" or is_directory(sop_class, name):
            continue
        try:
            with PixelSource(path, pool) as source:
                frames = [source.stored(i) for i in range(source.form.frames)]
                form = source.form
        except MedbenchError as error:
            wrong[name] = f"refused: {error}"
            continue
        ours = np.stack(frames) if len(frames) > 1 else frames[0]
        verdict = compare(ours, form, path, row)
        counts[verdict] += 1
        if verdict.startswith("wrong"):
            wrong[name] = verdict
    assert wrong == {}
    assert counts["bit for bit"] > 200
    assert counts["by rule, from the raw array"] >= 5


def test_what_pydicom_cannot_decode_is_shown_or_refused_with_the_reason(files, scans, pool):
    simpleitk = pytest.importorskip("SimpleITK")
    seen = Counter()
    for name, path, row, _ in files:
        if not row["status"].startswith("fail"):
            continue
        status = row["status"].removeprefix("fail: ")
        words = next((w for key, w in FAILURES.items() if status.startswith(key)), None)
        displays = displays_of(scans[name])
        if words is not None:
            reasons = [s.reason for s in scans[name].skipped] + [d.reason for d in displays]
            assert any(words in reason for reason in reasons), (name, reasons)
            seen["refused by scan"] += 1
            continue
        with PixelSource(path, pool) as source:
            form = source.form
            try:
                ours = source.stored(0)
            except MedbenchError:
                seen["refused by the decoder"] += 1
                continue
        if form.transfer_syntax_uid not in LOSSY:
            assert ours.std() > 0, name
            seen["decoded without an oracle"] += 1
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = simpleitk.ReadImage(str(path))
        theirs = simpleitk.GetArrayFromImage(image)[0]
        slope, intercept = (
            float(pydicom.dcmread(path, stop_before_pixels=True).get(key, default))
            for key, default in (("RescaleSlope", 1), ("RescaleIntercept", 0))
        )
        apart = np.abs((theirs - intercept) / slope - ours)
        assert apart.max() <= 1, name
        seen["decoded as SimpleITK does"] += 1
    assert seen["decoded as SimpleITK does"] >= 2
    assert seen["refused by scan"] >= 5


def run_verb(capsys, *words):
    """(exit code, JSON or sentence) of a command."""
    code = main([str(w) for w in words])
    told = capsys.readouterr()
    assert "Traceback" not in told.err, words
    return code, json.loads(told.out) if code == 0 else told.err.strip()


@pytest.fixture
def shared_pool(monkeypatch, pool):
    """Commands use one pool instead of starting decoders for each file."""
    for verb in (array_verb, render_verb):
        monkeypatch.setattr(verb, "open_display", partial(open_display, pool=pool))


@pytest.mark.usefixtures("shared_pool")
def test_every_picture_is_rendered_and_everything_else_says_why(files, scans, tmp_path, capsys):
    seen, wrong = Counter(), {}
    for name, path, row, sop_class in files:
        out = tmp_path / "a.png"
        out.unlink(missing_ok=True)
        pictures = [d for d in displays_of(scans[name]) if d.kind.value in PICTURES]
        code, told = run_verb(capsys, "render", path, "--out", out, "--json")
        if code != 0:
            seen["refused"] += 1
            if not reason_belongs(told, row, sop_class, name):
                wrong[name] = told
            continue
        if is_directory(sop_class, name):
            seen["directory"] += 1
            continue
        best = max(pictures, key=lambda d: d.slices)
        if row["status"] == "no pixels":
            wrong[name] = "a picture of an object without pixels"
        with Image.open(out) as image:
            if image.size != size_of(best, path):
                wrong[name] = f"{image.size}, expected {size_of(best, path)}"
            if best.colour and image.mode != "RGB":
                wrong[name] = image.mode
        seen["picture"] += 1
    assert wrong == {}
    assert seen["picture"] > 230
    assert seen["refused"] > 90


def reason_belongs(told, row, sop_class, name):
    """A refusal is one sentence, and no refusal of what pydicom shows."""
    if not told or "\n" in told:
        return False
    if row["status"] == "ok":
        return is_directory(sop_class, name) and "DICOMDIR" in told
    if row["status"].startswith("fail"):
        return True
    if is_directory(sop_class, name):
        return "DICOMDIR" in told or "incomplete" in told
    words = next((w for key, w in OBJECTS.items() if key in sop_class), None)
    return any(w in told for w in (words or "not shown as an image", "incomplete", "no DICM marker",
                                   "without SOP class"))  # fmt: skip


def size_of(display, path):
    """(columns, rows) of square pixels (PS3.3 C.7.6.3.1.7)."""
    header = read_dataset(path)
    rows, columns = int(header.Rows), int(header.Columns)
    ratio = header.get("PixelAspectRatio")
    spaced = any(k in header for k in ("PixelSpacing", "ImagerPixelSpacing",
                                       "NominalScannedPixelSpacing"))  # fmt: skip
    if ratio and not spaced:
        vertical, horizontal = (float(v) for v in ratio)
        if vertical > horizontal:
            rows = round(rows * vertical / horizontal)
        elif horizontal > vertical:
            columns = round(columns * horizontal / vertical)
    assert display.rows == int(header.Rows)
    return columns, rows


@pytest.mark.usefixtures("shared_pool")
def test_arrays_are_modality_values(files, scans, tmp_path, capsys):
    """`array` equals pydicom's raw values through its own Modality LUT, or refuses."""
    wrong, compared = {}, 0
    for name, path, row, sop_class in files:
        displays = displays_of(scans[name])
        if row["status"] != "ok" or is_directory(sop_class, name) or len(displays) != 1:
            continue
        (display,) = displays
        if display.colour or display.slices > 1 or "YBR" in display.photometric:
            continue
        raw = raw_array(path)
        dataset = pydicom.dcmread(path, force=True)
        if raw is None or "RWV" in name or "RealWorldValueMappingSequence" in dataset:
            continue
        if dataset.BitsAllocated > 1 and (
            dataset.HighBit + 1 != dataset.BitsStored or int(raw.max()) >= 1 << dataset.BitsStored
        ):
            continue  # pydicom does not mask
        out = tmp_path / "a.npy"
        code, told = run_verb(capsys, "array", path, "--out", out)
        if code:
            wrong[name] = told
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                theirs = apply_modality_lut(raw, dataset)
            except TypeError:  # an empty Modality LUT item
                theirs = raw
        ours = np.load(out)[0]
        compared += 1
        if dataset.get("Modality") == "RTDOSE":
            theirs = raw * float(dataset.DoseGridScaling)
        if not np.allclose(ours, theirs, rtol=1e-5, atol=1e-3):
            wrong[name] = f"{np.abs(ours - theirs).max()} apart"
    assert wrong == {}
    assert compared > 100


def test_segmentations_hold_the_voxels_that_pydicom_counts(files, pool):
    seen = Counter()
    for name, path, row, sop_class in files:
        if row["status"] != "ok" or not (
            "Segmentation" in sop_class or sop_class.endswith(".66.7")
        ):
            continue
        raw = raw_array(path)
        planes = raw if raw.ndim == 3 else raw[None]
        found = read_segmentation(path, pool)
        assert [int((f.values > 0).sum()) for f in found.frames] == [
            int((plane > 0).sum()) for plane in planes
        ], name
        assert sum(s.voxels for s in found.segments) == int((raw > 0).sum()), name
        assert all(s.number > 0 and s.label for s in found.segments), name
        groups = read_dataset(path).PerFrameFunctionalGroupsSequence
        for frame, group in zip(found.frames, groups, strict=False):  # one file has more groups
            position = group.PlanePositionSequence[0].ImagePositionPatient
            assert np.allclose(frame.grid.origin_mm, [float(v) for v in position]), name
        seen[found.kind] += 1
    assert seen["BINARY"] >= 5
    assert seen["LABELMAP"] >= 2


def test_structures_hold_every_contour(files):
    seen = 0
    for name, path, _, sop_class in files:
        if "Structure Set" not in sop_class:
            continue
        found = read_structures(path)
        assert found.warnings == (), name
        dataset = read_dataset(path)
        expected = {
            int(item.ReferencedROINumber): [
                len(c.ContourData) // 3 for c in item.get("ContourSequence") or ()
            ]
            for item in dataset.ROIContourSequence
        }
        for structure in found.structures:
            points = [len(c.points_mm) for c in structure.contours]
            assert points == expected.get(structure.segment.number, []), name
            seen += len(points)
    assert seen > 300


def test_grey_levels_and_palettes_agree_with_pydicom(files, scans, pool):
    """The second implementation of VOI and palette: values before rounding, 0 to 255."""
    wrong, seen = {}, Counter()
    for name, path, row, sop_class in files:
        displays = [d for d in displays_of(scans[name]) if d.kind.value in PICTURES]
        if row["status"] != "ok" or is_directory(sop_class, name) or len(displays) != 1:
            continue
        (display,) = displays
        raw, dataset = raw_array(path), read_dataset(path)
        if raw is None or display.slices > 1 or not known_to_pydicom(dataset, raw):
            continue
        with open_display(display, pool) as reader:
            values, info = reader.read(0), reader.info(0)
        if display.photometric == "PALETTE COLOR":
            table = apply_color_lut(raw, dataset)
            theirs = (table >> 8 if table.dtype == np.uint16 else table).astype(int)
            apart = np.abs(theirs - values.astype(int)).max()
        elif info.vois and not display.colour:
            theirs = grey_of(dataset, raw, info.vois[0])
            apart = np.abs(voi_curve(values, info.vois[0]) - theirs).max()
        else:
            continue
        seen["palette" if display.colour else type(info.vois[0]).__name__] += 1
        if apart > 0.02:
            wrong[name] = float(apart)
    assert wrong == {}
    assert seen["VoiWindow"] > 60
    assert seen["VoiLut"] >= 1
    assert seen["palette"] >= 1
