"""Structured reports and key objects: every kind of content item, links, coordinates."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from medbench.base.errors import BadInputError, DecodeError, MedbenchError
from medbench.dicom.report import read_report
from medbench.dicom.scan import scan
from medbench.domain.objects import ImageLink
from medbench.domain.report_text import node_words, nodes_of, report_lines
from medbench.formats.objects import read_object

CT, MR, WAVE = (f"1.2.840.10008.5.1.4.1.1.{n}" for n in ("2", "4", "9.1.1"))


def code(meaning, value="1", scheme="DCM"):
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    return ds


def item(kind, name="", relationship="CONTAINS", children=(), **attributes):
    ds = Dataset()
    ds.RelationshipType, ds.ValueType = relationship, kind
    if name:
        ds.ConceptNameCodeSequence = Sequence([code(name)])
    for key, value in attributes.items():
        setattr(ds, key, value)
    if children:
        ds.ContentSequence = Sequence(children)
    return ds


def image(uid="1.2.3", relationship="CONTAINS", sop_class=CT, kind="IMAGE", **attributes):
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = sop_class, uid
    for key, value in attributes.items():
        setattr(reference, key, value)
    return item(kind, "", relationship, ReferencedSOPSequence=Sequence([reference]))


def number(value, unit="mm", scheme="UCUM", **more):
    measured = Dataset()
    measured.NumericValue = value
    measured.MeasurementUnitsCodeSequence = Sequence([code("words", unit, scheme)])
    for key, other in more.items():
        setattr(measured, key, other)
    return Sequence([measured])


@pytest.fixture
def report(tmp_path):
    def make(children, sop_class="1.2.840.10008.5.1.4.1.1.88.34", title="Report", **attributes):
        ds = item("CONTAINER", title, children=children)
        del ds.RelationshipType
        ds.SOPClassUID, ds.SOPInstanceUID = sop_class, generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.5.1", "1.2.5.1.1"
        ds.PatientID, ds.PatientName, ds.Modality = "P1", "Test^One", "SR"
        ds.ContentDate, ds.ContentTime = "20240131", "143000"
        ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "VERIFIED"
        for key, value in attributes.items():
            setattr(ds, key, value)
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        path = tmp_path / "sr.dcm"
        ds.save_as(path, enforce_file_format=True)
        return path

    return make


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (item("TEXT", "Finding", TextValue="Two\r\nlines"), "Two\nlines"),
        (item("CODE", "Site", ConceptCodeSequence=Sequence([code("Liver")])), "Liver"),
        (item("NUM", "Length", MeasuredValueSequence=number("23.5")), "23.5 mm"),
        (item("NUM", "Area", MeasuredValueSequence=number("4", "mm2")), "4 mm²"),
        (item("NUM", "Count", MeasuredValueSequence=number("3", "1")), "3"),
        (item("NUM", "Pixels", MeasuredValueSequence=number("128", "{pixels}")), "128 pixels"),
        (item("NUM", "Mean", MeasuredValueSequence=number("12", "[hnsf'U]")), "12 HU"),
        (item("NUM", "Own", MeasuredValueSequence=number("1", "u", "99X")), "1 words"),
        (item("NUM", "None", MeasuredValueSequence=Sequence([]),
              NumericValueQualifierCodeSequence=Sequence([code("Not a number")])), "Not a number"),
        (item("NUM", "Two", MeasuredValueSequence=Sequence([*number("1"), *number("2")])),
         "1 mm, 2 mm"),
        (item("PNAME", "Reader", PersonName="Yamada^Tarou=山田^太郎"), "Yamada, Tarou (山田 太郎)"),
        (item("DATE", "Day", Date="20240131"), "2024-01-31"),
        (item("TIME", "Time", Time="143005.250"), "14:30:05.25"),
        (item("DATETIME", "Moment", DateTime="20240131143005+0100"), "2024-01-31 14:30:05 +01:00"),
        (item("UIDREF", "Class", UID=CT), "CT Image Storage"),
        (item("UIDREF", "Own", UID="1.2.3.4"), "1.2.3.4"),
        (item("SCOORD", "Point", GraphicType="POINT", GraphicData=[1.5, 2.5]), "Point 1.5, 2.5"),
        (item("SCOORD3D", "Line", GraphicType="POLYLINE", GraphicData=[0.0] * 9),
         "Polyline, 3 points"),
        (item("TCOORD", "Beat", TemporalRangeType="SEGMENT", ReferencedTimeOffsets=["0.5", "1"]),
         "Segment 0.5, 1 s"),
        (item("TCOORD", "Beat", TemporalRangeType="POINT", ReferencedSamplePositions=77),
         "Point 77 samples"),
        (image(ReferencedFrameNumber=[5, 2]), "CT Image, frame 5, 2"),
        (image(kind="WAVEFORM", sop_class=WAVE, ReferencedWaveformChannels=[1, 2, 1, 3]),
         "12-lead ECG Waveform, channel 1.2, 1.3"),
        (image(kind="COMPOSITE", sop_class="1.2.840.10008.5.1.4.1.1.88.11"), "Basic Text SR"),
    ],
)  # fmt: skip
def test_values_in_words(report, content, value):
    found = read_report(report([content], SpecificCharacterSet="ISO_IR 192"))
    assert found.root.children[0].value == value
    assert found.count == 2


def test_head_of_the_document(report):
    verifier, template = Dataset(), Dataset()
    verifier.VerifyingObserverName, verifier.VerifyingOrganization = "Ver^Ify", "Clinic"
    verifier.VerificationDateTime = "20240201"
    template.TemplateIdentifier, template.MappingResource = "1500", "DCMR"
    reference, series, before = Dataset(), Dataset(), Dataset()
    reference.ReferencedSOPInstanceUID, reference.ReferencedSOPClassUID = "9.9", CT
    series.SeriesInstanceUID, series.ReferencedSOPSequence = "9.1", Sequence([reference])
    before.StudyInstanceUID, before.ReferencedSeriesSequence = "9", Sequence([series])
    found = read_report(
        report(
            [item("TEXT", "Finding", TextValue="x")],
            VerifyingObserverSequence=Sequence([verifier]),
            ContentTemplateSequence=Sequence([template]),
            PredecessorDocumentsSequence=Sequence([before]),
            CurrentRequestedProcedureEvidenceSequence=Sequence([before]),
        )
    )
    assert (found.title, found.date, found.status) == (
        "Report", "2024-01-31 14:30", "Complete, Verified",
    )  # fmt: skip
    assert (found.complete, found.verified, found.key_objects) == (True, True, False)
    assert dict(found.facts) == {
        "patient": "Test, One · P1", "verifier": "Ver, Ify · Clinic · 2024-02-01",
        "template": "TID 1500 (DCMR)", "predecessor": "9.9",
    }  # fmt: skip
    assert found.series_uids == {"9.9": "9.1"}


def test_names_in_japanese_chinese_and_korean(report):
    content = item("PNAME", "Reader")
    content.add_new(0x0040A123, "PN", b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=")
    found = read_report(report([content], SpecificCharacterSet=["", "ISO 2022 IR 58"]))
    assert found.root.children[0].value == "Zhang, XiaoDong (张 小东)"


def test_coordinates_reach_the_frames_they_were_drawn_on(report):
    """SCOORD counts column, row from the corner of the first pixel (PS3.3 C.18.6.1.1)."""
    where = image("1.2.3", "SELECTED FROM", ReferencedFrameNumber=4)
    line = item("SCOORD", "", "INFERRED FROM", [where], GraphicType="POLYLINE",
                GraphicData=[10.5, 20.5, 30.5, 40.5])  # fmt: skip
    length = item("NUM", "Length", children=[line], MeasuredValueSequence=number("28.3"))
    points = item("SCOORD", "", "CONTAINS", [image("1.2.4", "SELECTED FROM")],
                  GraphicType="MULTIPOINT", GraphicData=[0.5, 0.5, 1.5, 2.5])  # fmt: skip
    found = read_report(report([length, points]))
    (drawn,) = found.graphics_on("1.2.3", 3)
    assert (drawn.kind, drawn.points, drawn.text) == (
        "POLYLINE", ((20.0, 10.0), (40.0, 30.0)), "Length: 28.3 mm",
    )  # fmt: skip
    assert found.graphics_on("1.2.3", 0) == ()
    both = found.graphics_on("1.2.4", 7)  # the whole instance: every frame
    assert [g.points for g in both] == [((0.0, 0.0),), ((2.0, 1.0),)]
    assert found.links == (ImageLink("1.2.3", (4,)), ImageLink("1.2.4"))


def test_by_reference_relationships_are_followed(report):
    where = image("1.2.3", "SELECTED FROM")
    line = item("SCOORD", "Region", "CONTAINS", [where], GraphicType="POLYLINE",
                GraphicData=[1.0, 1.0, 2.0, 2.0])  # fmt: skip
    pointer = Dataset()
    pointer.RelationshipType, pointer.ReferencedContentItemIdentifier = "INFERRED FROM", [1, 1]
    length = item("NUM", "Length", children=[pointer], MeasuredValueSequence=number("1.4"))
    found = read_report(report([line, length]))
    reference = found.root.children[1].children[0]
    assert (reference.target, reference.position) == ("1.1", "1.2.1")
    assert node_words(reference) == "see 1.1"
    assert [g.text for g in found.graphics_on("1.2.3", 0)] == ["Length: 1.4 mm"]


def test_a_continuous_container_reads_as_one_paragraph(report):
    parts = [item("TEXT", "", TextValue="A mass of"),
             item("NUM", "Diameter", MeasuredValueSequence=number("3", "cm")),
             item("TEXT", "", TextValue="was seen"), item("TEXT", "", TextValue=".")]  # fmt: skip
    box = item("CONTAINER", "History", children=parts, ContinuityOfContent="CONTINUOUS")
    found = read_report(report([box]))
    assert node_words(found.root.children[0]) == "History: A mass of 3 cm was seen."
    assert report_lines(found.root) == ["Report", "  History: A mass of 3 cm was seen."]


def test_key_objects_are_a_list_of_links(report):
    path = report(
        [image("1.2.3"), image("1.2.4", ReferencedFrameNumber=7)],
        sop_class="1.2.840.10008.5.1.4.1.1.88.59", title="For Referring Provider", Modality="KO",
    )  # fmt: skip
    (display,) = (d for s in scan([path]).studies for x in s.series for d in x.displays)
    found = read_object(display)
    assert found.key_objects
    assert found.title == "For Referring Provider"
    assert found.links == (ImageLink("1.2.3"), ImageLink("1.2.4", (7,)))


def test_what_is_no_report_is_refused(report, write, ramp):
    with pytest.raises(BadInputError, match="holds no report"):
        read_report(write("a.dcm", ramp))
    deep = item("TEXT", "x", TextValue="x")
    for _ in range(61):
        deep = item("CONTAINER", "x", children=[deep])
    with pytest.raises(DecodeError, match="damaged report"):
        read_report(report([deep]))


def files_of(real_data):
    root = real_data / "dicom_conformance"
    return [p for p in sorted(root.rglob("*sr*")) if p.suffix == ".dcm"] + [
        root / "dcm4che/dcm4che-test-data/src/main/resources/report_dfl",
        root / "cornerstone3D/packages/dicomImageLoader/examplesOld/test-images/no-pixel-data.dcm",
    ]


@pytest.mark.real_data
def test_every_real_report_is_read(real_data):
    found = {path.name: read_report(path) for path in files_of(real_data)}
    assert len(found) >= 10
    assert all(r.title and r.count == sum(1 for _ in nodes_of(r.root)) for r in found.values())
    assert found["sr.dcm"].count == 256
    assert len(found["sr.dcm"].links) == 193
    assert found["report_dfl"].root.children[2].continuous
    drawn = [g for k in found["sr-ruler.dcm"].graphics.values() for g in k if g.kind == "POLYLINE"]
    assert len(drawn) == 3


@pytest.mark.real_data
@pytest.mark.skipif(shutil.which("dsrdump") is None, reason="DCMTK's dsrdump is not installed")
def test_items_are_those_of_dcmtk(real_data):
    compared = 0
    for path in [*files_of(real_data), Path(get_testdata_file("test-SR.dcm", download=False))]:
        run = subprocess.run(["dsrdump", path], capture_output=True, check=False)
        lines = re.findall(rb"^\s*<.*$", run.stdout, re.MULTILINE)
        if run.returncode or not lines:
            continue  # DCMTK refuses reports that break their template; they are read here
        nodes = list(nodes_of(read_report(path).root))
        assert len(nodes) == len(lines), path.name
        for node, line in zip(nodes, lines, strict=True):
            if node.target:
                assert node.target.encode() in line
                continue
            assert node.value_type.encode() in line
            if node.value_type == "NUM" and (stated := re.search(rb'="([^"]+)"', line)):
                assert node.value.split(" ")[0] == stated.group(1).decode()
        compared += 1
    assert compared >= 8


def test_random_damage_is_a_report_or_a_refusal(report):
    path = report([item("NUM", "L", MeasuredValueSequence=number("1")), image()])
    whole = path.read_bytes()
    dice, outcomes = np.random.default_rng(2), set()
    for _ in range(300):
        data = bytearray(whole)
        for at in dice.integers(300, len(data), 3):
            data[at] = dice.integers(0, 256)
        path.write_bytes(bytes(data))
        try:
            for display in (d for s in scan([path]).studies for x in s.series for d in x.displays):
                read_object(display)
            outcomes.add("read")
        except MedbenchError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}
