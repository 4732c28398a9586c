"""Elements of files: against pydicom, private creators, damage, size."""

import json
import time
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_charset_files, get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, RLELossless

from medbench.base.errors import MedbenchError
from medbench.cli.main import main
from medbench.dicom.guard import read_header
from medbench.dicom.tag_tree import find_rows, full_text, hex_listing, read_tags, row_matches

_COMPARED = ("DA", "TM", "CS", "LO", "SH", "IS", "US")


def rows_by_tag(tree):
    return {row.tag: row for row in tree.rows}


def count_by_pydicom(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(path, force=True)
        return len(ds.file_meta) + sum(1 for _ in ds.iterall())


@pytest.mark.real_data
def test_every_conformance_file_has_the_elements_that_pydicom_finds(real_data):
    compared, different = 0, []
    for path in sorted((real_data / "dicom_conformance").rglob("*")):
        if not path.is_file() or path.stat().st_size > 3_000_000:
            continue
        try:
            read_header(path)
            tree = read_tags(path)
        except MedbenchError:
            continue
        try:
            wanted = count_by_pydicom(path)
        except Exception:  # noqa: BLE001  (pydicom raises many types)
            continue
        compared += 1
        if tree.count != wanted:
            different.append(path.name)
    assert compared > 100
    assert different == []


@pytest.mark.parametrize(
    "name",
    [
        "rtplan.dcm", "CT_small.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm", "priv_SQ.dcm",
        "meta_missing_tsyntax.dcm", "nested_priv_SQ.dcm", "UN_sequence.dcm", "test-SR.dcm",
    ],
)  # fmt: skip
def test_values_are_those_of_pydicom(name):
    path = Path(get_testdata_file(name, download=False))
    tree = read_tags(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(path, force=True)
        rows, compared = rows_by_tag(tree), 0
        for element in ds:
            row = rows[int(element.tag)]
            assert row.name == element.name or element.tag.is_private
            if element.VR in _COMPARED and element.value not in ("", None):
                stored = element.value
                several = isinstance(stored, (list, pydicom.multival.MultiValue))
                words = [str(v) for v in stored] if several else [str(stored)]
                assert row.value.split("\\") == words, element
                assert row.vm == len(words)
                compared += 1
    assert compared > 3 or name in ("UN_sequence.dcm", "priv_SQ.dcm", "nested_priv_SQ.dcm",
                                    "meta_missing_tsyntax.dcm")  # fmt: skip


@pytest.mark.parametrize("syntax", [None, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_names_numbers_and_private_creators(write, ramp, syntax):
    path = write("a.dcm", ramp, WindowCenter=[40, 300])
    ds = pydicom.dcmread(path)
    block = ds.private_block(0x0019, "GEMS_ACQU_01", create=True)
    block.add_new(0x02, "SL", 912)
    block.add_new(0xFE, "LO", "nobody knows")
    ds.add_new(0x00280106, "US", 513)
    ds.add_new(0x00189087, "FD", 1000.5)
    ds.add_new(0x00209165, "AT", [0x00189087, 0x00100010])
    if syntax is not None:
        ds.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            ds["PixelData"].value = ramp.byteswap().tobytes()
        fresh = Dataset({element.tag: element for element in ds})
        fresh.file_meta = ds.file_meta
        fresh.save_as(path, enforce_file_format=True)
    else:
        ds.save_as(path, enforce_file_format=True)
    rows = rows_by_tag(read_tags(path))
    assert (rows[0x00281050].value, rows[0x00281050].vm) == ("40.0\\300.0", 2)
    assert rows[0x00280106].value == "513"
    assert rows[0x00189087].value == "1000.5"
    assert rows[0x00209165].value == "(0018,9087)\\(0010,0010)"
    private = rows[0x00191002]
    assert (private.creator, private.name) == ("GEMS_ACQU_01", "Detector Channel")
    assert rows[0x00191002].value == "912"
    assert rows[0x001910FE].name == "Private element"
    assert "nobody knows" in rows[0x001910FE].value
    assert rows[0x00190010].name == "Private Creator"
    assert rows[0x00020010].value.startswith("1.2.840.10008.1.2")
    assert " = " in rows[0x00020010].value
    assert rows[0x7FE00010].value == "384 bytes"


def test_compressed_pixel_data_and_what_follows_them(write):
    from pydicom.encaps import encapsulate

    path = write("a.dcm", np.zeros((4, 4), np.uint8), syntax=RLELossless,
                 encapsulated=encapsulate([b"ab", b"cdef"]), NumberOfFrames=2)  # fmt: skip
    with path.open("ab") as handle:
        handle.write(b"\xfc\xff\xfc\xffOB\0\0\x02\0\0\0\0\0")
    tree = read_tags(path)
    assert tree.rows[-2].value == "2 fragments, 6 bytes"
    assert tree.rows[-1].name == "Data Set Trailing Padding"


def test_items_nest_and_character_sets_are_inherited():
    (path,) = get_charset_files("chrSQEncoding.dcm")
    tree = read_tags(Path(path))
    (sequence,) = (row for row in tree.rows if row.children)
    names = {row.keyword: row.value for row in sequence.children[0].children}
    assert sequence.value == "1 item"
    assert names["PatientName"] == "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"


def test_long_values_are_cut_and_whole_on_demand(write, ramp):
    words = "word " * 400
    table = np.arange(1000, dtype="<u2")
    path = write("a.dcm", ramp, ImageComments=words)
    ds = pydicom.dcmread(path)
    ds.add_new(0x00281201, "OW", table.tobytes())
    ds.add_new(0x00480201, "US", list(range(500)))
    ds.save_as(path, enforce_file_format=True)
    tree = read_tags(path)
    rows = rows_by_tag(tree)
    comments = rows[0x00204000]
    assert comments.cut
    assert len(comments.value) <= 256
    assert full_text(tree, comments) == words.strip()
    assert rows[0x00281201].value.startswith("2000 bytes: 00 00 01 00")
    assert full_text(tree, rows[0x00281201]).splitlines()[1].startswith("00000010  08 00 09 00")
    assert rows[0x00480201].vm == 500
    assert full_text(tree, rows[0x00480201]).endswith("498\\499")
    assert hex_listing(b"AB\x00") == "00000000  41 42 00" + " " * 41 + "AB."


def test_a_deflated_file_gives_whole_values_too():
    tree = read_tags(Path(get_testdata_file("image_dfl.dcm", download=False)))
    rows = rows_by_tag(tree)
    assert not tree.in_file
    assert full_text(tree, rows[0x00080060]) == rows[0x00080060].value


def test_search_finds_tag_keyword_name_value_and_what_is_above(write, ramp):
    item = Dataset()
    item.CodeMeaning = "Spleen"
    path = write("a.dcm", ramp, AnatomicRegionSequence=Sequence([item]))
    tree = read_tags(path)
    for needle in ("0008,0104", "00080104", "codemeaning", "code meaning", "spleen"):
        kept, hits = find_rows(tree.rows, needle)
        assert hits == 1, needle
        assert len(kept) == 3
    assert find_rows(tree.rows, "anatomic region")[1] == 1
    assert find_rows(tree.rows, "no such thing") == (set(), 0)


def test_hidden_patients_are_not_found_by_their_names(write, ramp):
    path = write("a.dcm", ramp, OperatorsName="Nurse^One")
    tree = read_tags(path)
    assert find_rows(tree.rows, "test^one")[1] == 1
    assert find_rows(tree.rows, "test^one", hide_patient=True)[1] == 0
    assert find_rows(tree.rows, "nurse", hide_patient=True)[1] == 0
    name = rows_by_tag(tree)[0x00100010]
    assert row_matches(name, "patientname", hide_patient=True)


def test_damage_becomes_a_row(write, ramp):
    """An element that is shorter than its item: two bytes are left over there."""
    item = Dataset()
    item.CodeMeaning = "Spleen"
    path = write("a.dcm", ramp, AnatomicRegionSequence=Sequence([item]))
    data = bytearray(path.read_bytes())
    data[data.find(b"LO\x06\x00Spleen") + 2] = 0x04
    path.write_bytes(bytes(data))
    tree = read_tags(path)
    (sequence,) = (row for row in tree.rows if row.children)
    problems = [row.problem for row in sequence.children[0].children if row.problem]
    assert problems == ["2 bytes are no element"]
    assert tree.warnings


def test_a_cut_file_shows_what_is_there(write, ramp):
    path = write("a.dcm", ramp)
    path.write_bytes(path.read_bytes()[:-100])
    tree = read_tags(path)
    assert rows_by_tag(tree)[0x00100010].value == "Test^One"
    assert "384 bytes are claimed, 284 are there" in tree.rows[-1].problem


def test_random_damage_is_a_tree_or_a_refusal(write, ramp):
    item = Dataset()
    item.CodeMeaning = "x"
    path = write("a.dcm", ramp, AnatomicRegionSequence=Sequence([item, item]))
    whole = path.read_bytes()
    dice, outcomes = np.random.default_rng(11), set()
    for _ in range(300):
        data = bytearray(whole)
        for at in dice.integers(132, len(data) - ramp.nbytes, 3):
            data[at] = dice.integers(0, 256)
        path.write_bytes(bytes(data))
        try:
            tree = read_tags(path)
            find_rows(tree.rows, "a")
            outcomes.add("tree")
        except MedbenchError:
            outcomes.add("refused")
    assert "tree" in outcomes


def test_fifty_thousand_elements_stay_usable(write):
    frames = []
    for number in range(4200):
        frame = Dataset()
        for keyword, name in (("PlanePositionSequence", "ImagePositionPatient"),
                              ("PlaneOrientationSequence", "ImageOrientationPatient")):  # fmt: skip
            inner = Dataset()
            setattr(inner, name, [0, 0, number] if "Position" in name else [1, 0, 0, 0, 1, 0])
            setattr(frame, keyword, Sequence([inner]))
        content = Dataset()
        content.StackID, content.InStackPositionNumber = "1", number + 1
        content.DimensionIndexValues = [1, number + 1]
        content.FrameAcquisitionNumber = number
        content.TemporalPositionIndex = 1
        content.FrameReferenceDateTime = "20200101"
        content.FrameComments = "comment"
        frame.FrameContentSequence = Sequence([content])
        frames.append(frame)
    path = write("a.dcm", np.zeros((4200, 1), np.uint8), Rows=1, Columns=1, NumberOfFrames=4200,
                 PerFrameFunctionalGroupsSequence=Sequence(frames))  # fmt: skip
    begin = time.perf_counter()
    tree = read_tags(path)
    read_s = time.perf_counter() - begin
    begin = time.perf_counter()
    _, hits = find_rows(tree.rows, "comment")
    search_s = time.perf_counter() - begin
    assert tree.count > 50_000
    assert hits == 4200
    assert read_s < 6.0
    assert search_s < 2.0


def test_verb_tags(write, ramp, capsys):
    item = Dataset()
    item.CodeMeaning = "Spleen"
    path = write("a.dcm", ramp, AnatomicRegionSequence=Sequence([item]))
    assert main(["tags", str(path), "--search", "spleen", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(e["keyword"], e["value"], e["path"]) for e in found["elements"]] == [
        ("CodeMeaning", "Spleen", ["AnatomicRegionSequence", "Item 1"])
    ]
    assert main(["tags", str(path), "--hide-patient"]) == 0
    words = capsys.readouterr().out
    assert "Test^One" not in words
    assert "Spleen" in words
    assert main(["tags", str(path.parent)]) == 2
    assert "is no file" in capsys.readouterr().err
