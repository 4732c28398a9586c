"""Encapsulated documents: read, paged in a decoder process, copied out unchanged."""

import os
import time

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, generate_uid

from medbench.base.errors import BadInputError, DecodeError
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.document import page_image, read_document, save_copy
from medbench.dicom.scan import scan
from medbench.domain.image import DisplayKind
from medbench.domain.objects import DocumentKind
from medbench.formats.objects import has_view, read_object

PDF_CLASS = "1.2.840.10008.5.1.4.1.1.104.1"


def small_pdf(pages=2, colour=(1, 0, 0)):
    """Pages of 200 x 100 points whose left half is filled; odd length."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>"]
    kids = " ".join(f"{3 + 2 * i} 0 R" for i in range(pages))
    objects.append(f"<</Type/Pages/Count {pages}/Kids[{kids}]>>".encode())
    for i in range(pages):
        drawing = b"%g %g %g rg 0 0 100 100 re f" % colour
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents %d 0 R>>" % (4 + 2 * i)
        )
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(drawing), drawing))
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    return out + b"\n" * (1 - len(out) % 2)


def encapsulate(
    path, content, media="application/pdf", sop_class=PDF_CLASS,
    syntax=ExplicitVRLittleEndian, **more,
):  # fmt: skip
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.4.1", "1.2.4.1.1"
    ds.PatientID, ds.PatientName, ds.Modality = "P1", "Test^One", "DOC"
    ds.ContentDate = "20240131"
    ds.DocumentTitle = "Discharge letter"
    ds.MIMETypeOfEncapsulatedDocument = media
    ds.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    for key, value in more.items():
        setattr(ds, key, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def pool():
    with DecoderPool(1) as found:
        yield found


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_a_pdf_has_pages_and_pictures(tmp_path, pool, syntax):
    content = small_pdf(3)
    found = read_document(encapsulate(tmp_path / "a.dcm", content, syntax=syntax), pool)
    assert (found.kind, found.title, found.date) == (
        DocumentKind.PDF, "Discharge letter", "2024-01-31",
    )  # fmt: skip
    assert found.length_bytes == len(content)
    assert found.pages_pt == ((200.0, 100.0),) * 3
    picture = page_image(found, 2, 1.5, pool)
    assert picture.shape == (150, 300, 3)
    assert picture[75, 30].tolist() == [255, 0, 0]
    assert picture[75, 250].tolist() == [255, 255, 255]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_a_copy_is_the_embedded_file_without_padding(tmp_path, pool, syntax):
    content = small_pdf(1)
    assert len(content) % 2 == 1
    found = read_document(encapsulate(tmp_path / "a.dcm", content, syntax=syntax), pool)
    save_copy(found, tmp_path / "copy.pdf")
    assert (tmp_path / "copy.pdf").read_bytes() == content


def test_the_stated_length_wins_over_the_padding(tmp_path):
    content = b"solid x\0"  # ends with a zero of its own
    path = encapsulate(
        tmp_path / "a.dcm", content, "model/stl", "1.2.840.10008.5.1.4.1.1.104.3",
        EncapsulatedDocumentLength=len(content),
    )  # fmt: skip
    found = read_document(path)
    assert (found.kind, found.suffix, found.length_bytes) == (DocumentKind.MODEL, ".stl", 8)


def test_a_copy_of_a_file_that_became_shorter_leaves_nothing(tmp_path):
    path = encapsulate(tmp_path / "a.dcm", small_pdf(1))
    found = read_document(path)
    os.truncate(path, found.ranges[0][0] + 10)
    with pytest.raises(DecodeError, match="became shorter"):
        save_copy(found, tmp_path / "copy.pdf")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.dcm"]


@pytest.mark.parametrize("content", [b"%PDF-1.4\nnothing", b"no pdf at all", small_pdf(1)[:60]])
def test_a_damaged_pdf_is_one_sentence(tmp_path, pool, content):
    path = encapsulate(tmp_path / "a.dcm", content)
    with pytest.raises(DecodeError, match=r"^The PDF in a.dcm cannot be opened: it is damaged"):
        read_document(path, pool)
    assert pool.deaths == 0


def test_a_missing_page_and_a_giant_page(tmp_path, pool):
    content = small_pdf(1).replace(b"[0 0 200 100]", b"[0 0 2e5 1e5]")
    found = read_document(encapsulate(tmp_path / "a.dcm", content), pool)
    with pytest.raises(DecodeError, match="no page 2"):
        page_image(found, 1, 1.0, pool)
    rows, columns, _ = page_image(found, 0, 5.0, pool).shape
    assert 1_000_000 < rows * columns <= 41_000_000


@pytest.mark.parametrize("fault", ["hang", "crash"])
def test_a_frozen_or_dying_renderer_costs_one_page(tmp_path, monkeypatch, fault):
    path = encapsulate(tmp_path / "bad.dcm", small_pdf(1))
    good = encapsulate(tmp_path / "good.dcm", small_pdf(1))
    monkeypatch.setenv("MEDBENCH_DECODER_FAULT", f"{fault}:bad.dcm")
    with DecoderPool(1, deadline_s=1.0) as pool:
        begin = time.monotonic()
        with pytest.raises(DecodeError, match="decoder"):
            read_document(path, pool)
        assert time.monotonic() - begin < 30
        assert pool.deaths == 2
        assert read_document(good, pool).pages_pt == ((200.0, 100.0),)


CDA = (
    b'<?xml version="1.0" encoding="ISO-8859-1"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">'
    b"<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><ClinicalDocument><title>M\xfcller &f; &b;</title>"
    b"</ClinicalDocument>"
)


def test_cda_is_text_and_no_entity_is_resolved(tmp_path):
    path = encapsulate(tmp_path / "a.dcm", CDA, "text/XML", "1.2.840.10008.5.1.4.1.1.104.2")
    found = read_document(path)
    assert found.kind is DocumentKind.TEXT
    assert "Müller &f; &b;" in found.text
    assert "root:" not in found.text
    assert found.text.count("\n") > 3


def test_a_long_text_is_capped(tmp_path):
    content = b"<a>" + b"x" * (3 << 20)
    path = encapsulate(tmp_path / "a.dcm", content, "text/xml", "1.2.840.10008.5.1.4.1.1.104.2")
    found = read_document(path)
    assert len(found.text) == 2 << 20
    assert found.length_bytes == len(content)


def test_a_pdf_under_another_name_is_said(tmp_path, pool):
    found = read_document(encapsulate(tmp_path / "a.dcm", small_pdf(1), "text/plain"), pool)
    assert found.kind is DocumentKind.PDF
    assert "is a PDF" in found.warnings[0]


def test_no_document_is_refused(tmp_path, write):
    path = write("a.dcm", np.zeros((2, 2), np.uint8))
    with pytest.raises(BadInputError, match="holds no document"):
        read_document(path)


def test_from_scan_to_object(tmp_path, pool):
    path = encapsulate(tmp_path / "a.dcm", small_pdf(1))
    (display,) = (d for s in scan([path]).studies for x in s.series for d in x.displays)
    assert display.kind is DisplayKind.DOCUMENT
    assert has_view(display)
    assert len(read_object(display, pool).pages_pt) == 1


def test_damaged_bytes_never_do_anything_else(tmp_path):
    """The document stays readable or is refused, whatever the bytes."""
    path = encapsulate(tmp_path / "a.dcm", CDA, "text/xml", "1.2.840.10008.5.1.4.1.1.104.2")
    whole = path.read_bytes()
    dice, outcomes = np.random.default_rng(5), set()
    for _ in range(200):
        data = bytearray(whole)
        for at in dice.integers(132, len(data), 3):
            data[at] = dice.integers(0, 256)
        path.write_bytes(bytes(data))
        try:
            read_document(path)
            outcomes.add("read")
        except (BadInputError, DecodeError):
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}
