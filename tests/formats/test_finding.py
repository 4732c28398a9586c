import gzip
import random
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.fileset import FileSet

from medbench.dicom.directory import read_directory
from medbench.dicom.scan import scan
from medbench.domain.calibration import MmSource
from medbench.domain.image import DisplayKind
from medbench.formats.finding import Context, find
from medbench.formats.opening import open_display
from medbench.samples.series import write_uniform_series


def displays_of(found):
    return [d for study in found.studies for series in study.series for d in series.displays]


def instances_of(found):
    return [i for study in found.studies for series in study.series for i in series.instances]


def check_nothing_dropped(found, inputs):
    """Every input file is an instance of one series, or skipped with a reason; frames once each."""
    shown = Counter(i.path for i in instances_of(found))
    skipped = Counter(s.path for s in found.skipped)
    assert max(shown.values(), default=1) == 1
    assert max(skipped.values(), default=1) == 1
    assert not set(shown) & set(skipped)
    assert set(shown) | set(skipped) == set(inputs)
    assert len(shown) + len(skipped) == found.files
    assert all(s.reason for s in found.skipped)
    ids = [d.display_id for d in displays_of(found)]
    assert len(ids) == len(set(ids))
    for study in found.studies:
        for series in study.series:
            frames = Counter((f.path, f.frame) for d in series.displays for f in d.frames)
            assert max(frames.values()) == 1, "a frame is in one display"
            if all(d.source == "dicom" for d in series.displays):
                assert {path for path, _ in frames} >= {
                    i.path for i in series.instances if i.number_of_frames
                }


def files_below(folder):
    return [p for p in folder.rglob("*") if p.is_file()]


# -- nothing is dropped ------------------------------------------------------------------------


@pytest.mark.real_data
def test_conformance_parts_and_rejects_are_the_inputs(real_data, tmp_path):
    folder = real_data / "dicom_conformance"
    check_nothing_dropped(find([folder], Context(tmp_path)), files_below(folder))


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ecg_wfdb", "seg_hippocampus", "nifti_volumes"])
def test_other_kinds_parts_and_rejects_are_the_inputs(real_data, tmp_path, name):
    found = find([real_data / name], Context(tmp_path))
    check_nothing_dropped(found, files_below(real_data / name))


@pytest.mark.parametrize("seed", range(4))
def test_a_mess_parts_and_rejects_are_the_inputs(tmp_path, seed):
    dice = random.Random(seed)
    mess = tmp_path / "mess"
    write_uniform_series(mess / "a", (4, 8, 9))
    series = sorted((mess / "a").glob("*.dcm"))
    for number in range(40):
        folder = mess / dice.choice("abc") / dice.choice("xyz")
        folder.mkdir(parents=True, exist_ok=True)
        target = (
            folder / f"{number:02d}{dice.choice(['', '.dcm', '.png', '.nii', '.nrrd', '.hea'])}"
        )
        match dice.randrange(7):
            case 0:
                shutil.copy(dice.choice(series), target)
            case 1:
                data = bytearray(dice.choice(series).read_bytes())
                data[-1] ^= 1
                target.write_bytes(data)
            case 2:
                target.write_bytes(dice.choice(series).read_bytes()[: dice.randrange(2000)])
            case 3:
                target.write_bytes(dice.randbytes(dice.randrange(900)))
            case 4:
                pixels = np.full((4, 5), dice.randrange(250), np.uint8)
                Image.fromarray(pixels).save(target, format="PNG")
            case 5:
                target.write_bytes(b"NRRD0005\ntype: uint8\ndimension: 2\nsizes: 2 2\n"
                                   b"encoding: raw\n\n" + dice.randbytes(4))  # fmt: skip
            case 6:
                target.symlink_to(dice.choice([series[0], mess / "nothing"]))
    inputs = [p for p in mess.rglob("*") if not p.is_dir()]
    found = find([mess], Context(tmp_path / "scratch"))
    check_nothing_dropped(found, inputs)


def test_the_same_path_twice_counts_once(tmp_path):
    write_uniform_series(tmp_path / "s", (3, 8, 9))
    file = sorted((tmp_path / "s").glob("*"))[0]
    found = find([tmp_path / "s", file, tmp_path / "s"], Context(tmp_path / "scratch"))
    assert found.files == 3


def test_links_to_folders_are_named_not_followed(tmp_path):
    write_uniform_series(tmp_path / "s", (3, 8, 9))
    (tmp_path / "s" / "loop").symlink_to(tmp_path / "s")
    found = find([tmp_path / "s"], Context(tmp_path / "scratch"))
    assert found.files == 4
    assert "not followed" in found.skipped[0].reason


# -- T4: one SOP Instance UID, two files -------------------------------------------------------


def test_F037_copies_are_the_same_object(tmp_path):
    write_uniform_series(tmp_path / "s", (3, 8, 9))
    first = sorted((tmp_path / "s").glob("*"))[0]
    for n in range(10):
        shutil.copy(first, tmp_path / "s" / f"z copy {n}")
    found = find([tmp_path / "s"], Context(tmp_path / "scratch"))
    assert len(found.skipped) == 10
    assert {s.reason for s in found.skipped} == {f"the same object as {first.name}"}


def test_F036_other_bytes_under_the_same_uid_are_a_conflict(tmp_path):
    write_uniform_series(tmp_path / "s", (3, 8, 9))
    first = sorted((tmp_path / "s").glob("*"))[0]
    data = bytearray(first.read_bytes())
    data[-1] ^= 255
    (tmp_path / "s" / "z other").write_bytes(data)
    found = find([tmp_path / "s"], Context(tmp_path / "scratch"))
    (skipped,) = found.skipped
    assert "another object with the same SOP Instance UID" in skipped.reason
    assert "neither replaces the other" in skipped.reason
    alone = find([skipped.path], Context(tmp_path / "scratch"))
    assert len(displays_of(alone)) == 1


# -- DICOMDIR ----------------------------------------------------------------------------------


@pytest.fixture
def disc(tmp_path):
    """Root folder of a disc with a DICOMDIR made by pydicom."""
    write_uniform_series(tmp_path / "s", (4, 8, 9))
    files = FileSet()
    for path in sorted((tmp_path / "s").glob("*.dcm")):
        dataset = pydicom.dcmread(path)
        dataset.StudyID = "1"
        files.add(dataset)
    files.write(tmp_path / "disc")
    files._stage["t"].cleanup()
    return tmp_path / "disc"


def reason_of_directory(found):
    return next(s.reason for s in found.skipped if s.path.name == "DICOMDIR")


def test_a_disc_opens_by_its_folder_and_by_its_dicomdir(disc, tmp_path):
    for path in (disc, disc / "DICOMDIR"):
        found = find([path], Context(tmp_path / "scratch"))
        (display,) = displays_of(found)
        assert display.slices == 4
        assert reason_of_directory(found) == "a DICOMDIR: the folder is scanned instead"


def test_F061_absent_and_unlisted_files_are_told(disc, tmp_path):
    listed = sorted(p for p in disc.rglob("*") if p.is_file() and p.name != "DICOMDIR")
    listed[0].unlink()
    listed[1].rename(disc / "moved.dcm")
    reason = reason_of_directory(find([disc], Context(tmp_path / "scratch")))
    assert "it names 4 files, 2 of them are not there" in reason
    assert "1 objects of the folder are not in it" in reason


def test_F062_the_case_of_names_does_not_matter(disc, tmp_path):
    for path in sorted(disc.rglob("*"), reverse=True):
        if path.name != "DICOMDIR":
            path.rename(path.with_name(path.name.lower()))
    assert "not there" not in reason_of_directory(find([disc], Context(tmp_path / "scratch")))


def rewritten(disc, change):
    """Change the directory's records and write them back at the same offsets."""
    dataset = pydicom.dcmread(disc / "DICOMDIR")
    change(dataset.DirectoryRecordSequence)
    dataset.save_as(disc / "DICOMDIR")


@pytest.mark.parametrize("target", [["..", "x"], ["", "etc", "passwd"], ["C:", "x"], ["A/../../B"]])
def test_F059_ids_that_lead_out_are_refused(disc, target):
    def change(records):
        item = next(r for r in records if "ReferencedFileID" in r)
        item.ReferencedFileID = target

    rewritten(disc, change)
    report = read_directory(disc / "DICOMDIR")
    assert len(report.refused) == 1
    assert "refused" in report.sentence()


def test_F059_a_link_out_of_the_folder_is_refused(disc, tmp_path):
    listed = next(p for p in sorted(disc.rglob("*")) if p.is_file() and p.name != "DICOMDIR")
    outside = tmp_path / "outside.dcm"
    listed.rename(outside)
    listed.symlink_to(outside)
    assert len(read_directory(disc / "DICOMDIR").refused) == 1


def test_F060_cyclic_offsets_end(disc):
    data = bytearray((disc / "DICOMDIR").read_bytes())
    dataset = pydicom.dcmread(disc / "DICOMDIR")
    first = dataset.DirectoryRecordSequence[0].seq_item_tell
    changed = 0
    at = data.find(b"\x04\x00\x00\x14UL\x04\x00")
    while at >= 0:
        data[at + 8 : at + 12] = int(first).to_bytes(4, "little")
        changed += 1
        at = data.find(b"\x04\x00\x00\x14UL\x04\x00", at + 1)
    assert changed > 3
    (disc / "DICOMDIR").write_bytes(data)
    report = read_directory(disc / "DICOMDIR")
    assert "circle" in report.problem
    assert len(report.present) == 4


def test_F060_mutated_directories_never_raise(disc, tmp_path):
    dice = random.Random(5)
    good = (disc / "DICOMDIR").read_bytes()
    for _ in range(300):
        data = bytearray(good)
        for _ in range(dice.choice((1, 2, 4))):
            data[dice.randrange(132, len(data))] = dice.randrange(256)
        (disc / "DICOMDIR").write_bytes(data)
        found = find([disc], Context(tmp_path / "scratch"))
        assert found.files == 5
        assert sum(d.slices for d in displays_of(found)) == 4


def test_F062_an_empty_directory(disc, tmp_path):
    dataset = pydicom.dcmread(disc / "DICOMDIR")
    dataset.DirectoryRecordSequence = []
    dataset.save_as(disc / "DICOMDIR")
    found = find([disc], Context(tmp_path / "scratch"))
    assert "it holds no records" in reason_of_directory(found)
    assert displays_of(found)[0].slices == 4


# -- pictures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "tiff", "PNG"])
@pytest.mark.parametrize("colour", [False, True])
def test_pictures_are_undecorated(tmp_path, suffix, colour):
    pixels = np.random.default_rng(0).integers(0, 255, (6, 7, 3) if colour else (6, 7), np.uint8)
    Image.fromarray(pixels).save(tmp_path / f"p.{suffix}")
    found = find([tmp_path / f"p.{suffix}"], Context(tmp_path / "scratch"))
    (display,) = displays_of(found)
    assert display.source == "picture"
    assert display.kind is DisplayKind.STACK
    assert display.geometry is None
    assert display.pixel_spacing_mm is None
    with open_display(display) as reader:
        np.testing.assert_array_equal(reader.read(0), pixels)
        assert reader.info(0).calibration.source is MmSource.NONE
        assert reader.info(0).orientation.row == ""
    assert instances_of(found)[0].path == tmp_path / f"p.{suffix}"


def test_16_bit_pictures_keep_their_values(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 65535, (6, 7), np.uint16)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    (display,) = displays_of(find([tmp_path / "p.png"], Context(tmp_path / "scratch")))
    with open_display(display) as reader:
        np.testing.assert_array_equal(reader.read(0), pixels)


@pytest.mark.parametrize("colour", [False, True])
def test_pages_of_a_tiff_are_frames(tmp_path, colour):
    dice = np.random.default_rng(0)
    pages = [dice.integers(0, 255, (6, 7, 3) if colour else (6, 7), np.uint8) for _ in range(5)]
    first, *rest = (Image.fromarray(p) for p in pages)
    first.save(tmp_path / "p.tif", save_all=True, append_images=rest)
    (display,) = displays_of(find([tmp_path / "p.tif"], Context(tmp_path / "scratch")))
    assert display.slices == 5
    with open_display(display) as reader:
        for index, page in enumerate(pages):
            np.testing.assert_array_equal(reader.read(index), page)


def test_pages_of_different_size_are_refused(tmp_path):
    first, second = (Image.fromarray(np.zeros((6, n), np.uint8)) for n in (7, 8))
    first.save(tmp_path / "p.tif", save_all=True, append_images=[second])
    found = find([tmp_path / "p.tif"], Context(tmp_path / "scratch"))
    assert "differ in size" in found.skipped[0].reason


def test_F066_turned_by_exif(tmp_path):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "p.jpg", exif=exif, quality=100)
    (display,) = displays_of(find([tmp_path / "p.jpg"], Context(tmp_path / "scratch")))
    assert (display.rows, display.columns) == (16, 8)


@pytest.mark.parametrize("name", ["p.png", "p.jpg", "p.tif", "p.bmp"])
def test_F002_what_only_claims_to_be_a_picture(tmp_path, name):
    (tmp_path / name).write_text("this is a text")
    found = find([tmp_path / name], Context(tmp_path / "scratch"))
    assert found.studies == ()
    assert "cannot be read" in found.skipped[0].reason


def test_fractions_are_not_clipped_in_silence(tmp_path):
    Image.fromarray(np.full((4, 4), 1000.5, np.float32)).save(tmp_path / "p.tif")
    found = find([tmp_path / "p.tif"], Context(tmp_path / "scratch"))
    assert "fractions" in found.skipped[0].reason


def test_the_same_picture_twice(tmp_path):
    for name in ("a.png", "b.png"):
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / name)
    found = find([tmp_path], Context(tmp_path.parent / f"{tmp_path.name}-scratch"))
    assert [s.reason for s in found.skipped] == ["the same picture as a.png"]
    assert found.files == 2


# -- all together ------------------------------------------------------------------------------


def test_a_zip_of_everything(tmp_path):
    write_uniform_series(tmp_path / "s", (3, 8, 9))
    Image.fromarray(np.arange(20, dtype=np.uint8).reshape(4, 5)).save(tmp_path / "p.png")
    nrrd = (b"NRRD0005\ntype: uint8\ndimension: 3\nsizes: 2 2 2\nencoding: gzip\n\n"
            + gzip.compress(bytes(range(8))))  # fmt: skip
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as out:
        for path in sorted((tmp_path / "s").glob("*.dcm")):
            out.write(path, f"disc/{path.stem}")
        out.write(tmp_path / "p.png", "pictures/eye.png")
        out.writestr("mask.nrrd", nrrd)
        out.writestr("../evil.dcm", b"x")
    found = find([tmp_path / "all.zip"], Context(tmp_path / "scratch"))
    assert Counter(d.source for d in displays_of(found)) == {"dicom": 1, "picture": 1, "nrrd": 1}
    assert {s.patient_name for s in found.studies} >= {"eye", "mask"}
    assert found.files == 6
    assert [s.path.name for s in found.skipped] == ["evil.dcm"]
    for display in displays_of(found):
        with open_display(display) as reader:
            assert reader.load().ready.all()


def test_files_without_ending_open(tmp_path):
    write_uniform_series(tmp_path / "s", (3, 8, 9))
    for path in sorted((tmp_path / "s").glob("*.dcm")):
        path.rename(path.with_suffix(""))
    assert displays_of(find([tmp_path / "s"], Context(tmp_path / "scratch")))[0].slices == 3


def test_the_plain_scan_says_how_many_files_it_met(tmp_path):
    write_uniform_series(tmp_path / "s", (3, 8, 9))
    (tmp_path / "s" / "x").write_text("x")
    assert scan([tmp_path / "s", Path("/nowhere/at/all")]).files == 5
