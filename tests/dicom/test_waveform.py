"""Waveform objects against values written here, pydicom's own reading, and ITU-T G.711."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, generate_uid

from medbench.base.errors import BadInputError, DecodeError, IncompleteError, MedbenchError
from medbench.dicom.scan import scan
from medbench.dicom.waveform import a_law, lead_name, mu_law, read_waveforms
from medbench.domain.image import DisplayKind
from medbench.formats.objects import read_object

TWELVE_LEAD = "1.2.840.10008.5.1.4.1.1.9.1.1"
CLASSES = {
    "12-lead": TWELVE_LEAD,
    "general ECG": "1.2.840.10008.5.1.4.1.1.9.1.2",
    "ambulatory": "1.2.840.10008.5.1.4.1.1.9.1.3",
    "general 32-bit": "1.2.840.10008.5.1.4.1.1.9.1.4",
    "hemodynamic": "1.2.840.10008.5.1.4.1.1.9.2.1",
    "electrophysiology": "1.2.840.10008.5.1.4.1.1.9.3.1",
    "voice audio": "1.2.840.10008.5.1.4.1.1.9.4.1",
    "general audio": "1.2.840.10008.5.1.4.1.1.9.4.2",
    "arterial pulse": "1.2.840.10008.5.1.4.1.1.9.5.1",
    "respiratory": "1.2.840.10008.5.1.4.1.1.9.6.1",
}


def coded(value, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "UCUM", meaning
    return [item]


def channel(name, unit="mV", sensitivity=None, **more):
    item = Dataset()
    item.ChannelSourceSequence = coded("x", name)
    item.WaveformBitsStored = 16
    if sensitivity is not None:
        item.ChannelSensitivity = sensitivity
        item.ChannelSensitivityUnitsSequence = coded(unit, unit)
        item.ChannelSensitivityCorrectionFactor = more.pop("correction", 1)
        item.ChannelBaseline = more.pop("baseline", 0)
    for keyword, value in more.items():
        setattr(item, keyword, value)
    return item


def group(stored, channels, rate=500, code="SS", bits=16, vr="OW", data=None, **more):
    """One multiplex group; ``stored`` is (channels, samples)."""
    item = Dataset()
    item.MultiplexGroupLabel = more.pop("label", "RHYTHM")
    item.WaveformOriginality = "ORIGINAL"
    item.NumberOfWaveformChannels, item.NumberOfWaveformSamples = stored.shape
    item.SamplingFrequency = rate
    item.ChannelDefinitionSequence = channels
    item.WaveformBitsAllocated = bits
    item.WaveformSampleInterpretation = code
    item.add_new("WaveformData", vr, stored.T.tobytes() if data is None else data)
    padding = more.pop("padding", None)
    if padding is not None:
        item.add_new("WaveformPaddingValue", vr, padding)
    for keyword, value in more.items():
        setattr(item, keyword, value)
    return item


def write(path, groups, annotations=(), sop_class=TWELVE_LEAD, syntax=ExplicitVRLittleEndian):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = syntax
    ds = Dataset()
    ds.file_meta = meta
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    ds.Modality, ds.PatientName, ds.PatientID = "ECG", "Sample^Vera", "P-010"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.WaveformSequence = list(groups)
    if annotations:
        ds.WaveformAnnotationSequence = list(annotations)
    pydicom.dcmwrite(path, ds, enforce_file_format=True)
    return path


def test_values_equal_pydicom():
    path = get_testdata_file("waveform_ecg.dcm", download=False)
    rhythm, median = read_waveforms(Path(path))
    dataset = pydicom.dcmread(path)
    for index, found in enumerate((rhythm, median)):
        microvolt = dataset.waveform_array(index).T
        assert found.samples.shape == microvolt.shape
        np.testing.assert_allclose(found.samples, microvolt / 1000, atol=1e-6)
    names = [c.name for c in rhythm.channels]
    assert names == ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    assert {c.unit for c in rhythm.channels} == {"mV"}
    assert (rhythm.duration_s, median.duration_s) == (10.0, 1.2)
    assert rhythm.channels[0].filter_low_hz == 0.05
    # leads of one heart: Einthoven's law holds to one stored step
    i, ii, iii = rhythm.samples[:3]
    assert np.abs(ii - i - iii).max() < 0.003
    # the first sample is number 1: QRS onset 460 is at 459 ms
    assert (0.459, "QRS Onset") in rhythm.marks
    assert median.marks == ()
    assert rhythm.texts[:3] == ("RITMO SINUSALE", "ECG NORMALE", "RR Interval: 982 ms")
    assert not rhythm.samples.flags.writeable


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize(
    ("code", "form", "bits"),
    [("SB", "i1", 8), ("UB", "u1", 8), ("SS", "i2", 16), ("US", "u2", 16), ("SL", "i4", 32),
     ("UL", "u4", 32)],
)  # fmt: skip
def test_every_interpretation_and_byte_order(tmp_path, code, form, bits, syntax):
    info = np.iinfo(form)
    rng = np.random.default_rng(1)
    stored = rng.integers(info.min, info.max, (2, 11), dtype=form, endpoint=True)
    stored[0, :2] = info.min, info.max
    order = "<" if syntax == ExplicitVRLittleEndian else ">"
    data = stored.astype(order + form).T.tobytes()
    vr = "OB" if bits == 8 else "OW"
    item = group(
        stored,
        [channel("A", "mm[Hg]", 0.5, correction=1.5, baseline=-3), channel("B", "Cel", 2)],
        code=code, bits=bits, vr=vr, data=data,
    )  # fmt: skip
    (found,) = read_waveforms(write(tmp_path / "w.dcm", [item], syntax=syntax))
    assert [c.unit for c in found.channels] == ["mmHg", "°C"]
    exact = np.array([stored[0] * 0.75 - 3.0, stored[1] * 2.0])
    np.testing.assert_allclose(found.samples, exact, rtol=1e-6, atol=1e-6)


def test_eight_bit_samples_in_big_endian_words(tmp_path):
    """PS3.5 8.3: with OW the bytes of each word lie the other way round."""
    stored = np.arange(10, dtype=np.int8).reshape(1, 10)
    swapped = stored.T.tobytes()
    swapped = b"".join(swapped[i + 1 : i + 2] + swapped[i : i + 1] for i in range(0, 10, 2))
    item = group(stored, [channel("A")], code="SB", bits=8, data=swapped)
    (found,) = read_waveforms(write(tmp_path / "w.dcm", [item], syntax=ExplicitVRBigEndian))
    np.testing.assert_array_equal(found.samples[0], np.arange(10))
    assert found.channels[0].unit == "stored"


def expand_mu(code):
    """G.711 mu-law by its decision values: sign, three chord bits, four step bits, inverted."""
    code = 255 - code
    chord, step = code // 16 % 8, code % 16
    size = (2 * step + 33) * 2**chord - 33  # 14-bit
    return (-size if code >= 128 else size) * 4


def expand_a(code):
    """G.711 A-law, even bits inverted, 13-bit output in steps of 16."""
    code ^= 0b01010101
    chord, step = code // 16 % 8, code % 16
    size = 2 * step + 1 if chord == 0 else (2 * step + 33) * 2 ** (chord - 1)
    return (size if code >= 128 else -size) * 8


def test_companded_audio(tmp_path):
    assert mu_law().tolist() == [expand_mu(code) for code in range(256)]
    assert a_law().tolist() == [expand_a(code) for code in range(256)]
    assert mu_law()[[0x00, 0x80, 0xFF, 0x7F]].tolist() == [-32124, 32124, 0, 0]
    assert a_law()[[0xD5, 0x55, 0xAA, 0x2A]].tolist() == [8, -8, 32256, -32256]
    codes = np.arange(256, dtype=np.uint8).reshape(1, 256)
    for code, expand in (("MB", expand_mu), ("AB", expand_a)):
        item = group(codes, [channel("Voice")], 8000, code, 8, "OB", padding=b"\x07\0")
        path = write(tmp_path / f"{code}.dcm", [item], sop_class=CLASSES["voice audio"])
        (found,) = read_waveforms(path)
        right = np.array([expand(c) for c in range(256)], float)
        right[7] = np.nan
        np.testing.assert_array_equal(found.samples[0], right)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_becomes_a_waveform_display(tmp_path, kind):
    stored = np.arange(100, dtype=np.int16).reshape(1, 100)
    write(tmp_path / "w.dcm", [group(stored, [channel("Lead II", "uV", 5)])],
          sop_class=CLASSES[kind])  # fmt: skip
    result = scan([tmp_path])
    (display,) = result.studies[0].series[0].displays
    assert display.kind is DisplayKind.WAVEFORM
    (found,) = read_object(display)
    np.testing.assert_allclose(found.samples[0], stored[0] * 0.005, rtol=1e-6)
    assert found.channels[0].name == "II"


def test_padding_is_a_gap(tmp_path):
    stored = np.array([[1, -32768, 3], [-32768, 5, 6]], np.int16)
    padding = np.int16(-32768).tobytes()
    item = group(stored, [channel("A", "mV", 1), channel("B", "mV", 2)], padding=padding)
    (found,) = read_waveforms(write(tmp_path / "w.dcm", [item]))
    np.testing.assert_array_equal(found.samples, [[1, np.nan, 3], [np.nan, 10, 12]])


def test_skew_moves_a_channel_by_whole_samples(tmp_path):
    stored = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.int16)
    channels = [channel("A", ChannelTimeSkew=0), channel("B", ChannelTimeSkew=0.004),
                channel("C", ChannelSampleSkew=0.3)]  # fmt: skip
    item = group(stored, channels, MultiplexGroupTimeOffset=2500.0)
    (found,) = read_waveforms(write(tmp_path / "w.dcm", [item]))
    gap = np.nan
    np.testing.assert_array_equal(
        found.samples, [[1, 2, 3, gap, gap], [gap, gap, 4, 5, 6], [7, 8, 9, gap, gap]]
    )
    assert found.start_s == 2.5
    assert found.warnings


def test_annotations(tmp_path):
    def note(**values):
        item = Dataset()
        for keyword, value in values.items():
            setattr(item, keyword, value)
        return item

    notes = [
        note(UnformattedTextValue="Sinus rhythm", ReferencedWaveformChannels=[1, 0]),
        note(ConceptNameCodeSequence=coded("q", "QT"), NumericValue="402",
             MeasurementUnitsCodeSequence=coded("ms", "ms"), ReferencedWaveformChannels=[1, 0]),
        note(ConceptNameCodeSequence=coded("n", "Noise"), ReferencedSamplePositions=[1, 251],
             TemporalRangeType="SEGMENT", ReferencedWaveformChannels=[1, 0]),
        note(UnformattedTextValue="Event", ReferencedTimeOffsets=["0.25"],
             TemporalRangeType="POINT", ReferencedWaveformChannels=[2, 1]),
    ]  # fmt: skip
    stored = np.zeros((1, 500), np.int16)
    groups = [group(stored, [channel("II")]), group(stored, [channel("II")], label="")]
    first, second = read_waveforms(write(tmp_path / "w.dcm", groups, notes))
    assert first.marks == ((0.0, "Noise"), (0.5, "Noise (end)"))
    assert second.marks == ((0.25, "Event"),)
    assert first.texts == ("Sinus rhythm", "QT: 402 ms")
    assert (first.label, second.label) == ("RHYTHM", "Group 2")


def test_lead_names():
    assert lead_name("Lead aVR (Einthoven)") == "aVR"
    assert lead_name("MDC_ECG_LEAD_V3") == "V3"
    assert lead_name("avf") == "aVF"
    assert lead_name("Leading pressure") == "Leading pressure"
    assert lead_name("Lead X") == "X"


def test_what_does_not_fit_is_refused(tmp_path):
    stored = np.zeros((2, 10), np.int16)
    channels = [channel("A"), channel("B")]

    def refused(kind, words, **change):
        item = group(stored, channels)
        for keyword, value in change.items():
            setattr(item, keyword, value)
        with pytest.raises(kind, match=words):
            read_waveforms(write(tmp_path / "w.dcm", [item]))

    refused(IncompleteError, "40 bytes", WaveformData=b"\0" * 38)
    refused(DecodeError, "definitions", ChannelDefinitionSequence=channels[:1])
    refused(DecodeError, "no trace", SamplingFrequency=0)
    refused(DecodeError, "not supported", WaveformSampleInterpretation="XX")
    refused(DecodeError, "8 bits", WaveformBitsAllocated=8)
    refused(DecodeError, "1 GiB", NumberOfWaveformSamples=2_000_000_000)
    with pytest.raises(BadInputError, match="no waveform"):
        read_waveforms(write(tmp_path / "w.dcm", []))


def test_a_cut_file_never_gives_a_trace(tmp_path):
    whole = Path(get_testdata_file("waveform_ecg.dcm", download=False)).read_bytes()
    path = tmp_path / "cut.dcm"
    for share in (0.2, 0.5, 0.9, 0.95):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(MedbenchError):
            read_waveforms(path)
