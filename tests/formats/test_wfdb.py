"""WFDB records: checksums and first values of real headers, published facts, slow decoders."""

import shutil
import struct
import zipfile
from collections import Counter

import numpy as np
import pytest

from medbench.base.errors import BadInputError, IncompleteError, MedbenchError
from medbench.domain.image import DisplayKind
from medbench.formats.finding import Context, find
from medbench.formats.objects import read_object
from medbench.formats.wfdb import header_of, read_wfdb, wfdb_study
from medbench.formats.wfdb_annotations import read_annotations
from medbench.formats.wfdb_header import read_record_header
from medbench.formats.wfdb_samples import bytes_of, decode, samples_in

# the samples of these two are not in the public sample folder
WITHOUT_SAMPLES = {"1003", "12726"}


@pytest.fixture
def records(real_data):
    return real_data / "ecg_wfdb"


def slow_212(raw, count):
    """Twelve bits at a time, as the format page says it."""
    out = []
    for i in range(count):
        at = i // 2 * 3
        if i % 2 == 0:
            value = raw[at] + 256 * (raw[at + 1] % 16)
        else:
            value = raw[at + 2] + 256 * (raw[at + 1] // 16)
        out.append(value - 4096 if value >= 2048 else value)
    return np.array(out)


def test_every_real_record_agrees_with_its_header(records):
    seen = 0
    for path in sorted(records.glob("*.hea")):
        if path.stem in WITHOUT_SAMPLES:
            with pytest.raises(BadInputError, match=r"\.dat, which holds the samples"):
                read_wfdb(path)
            continue
        for found in read_wfdb(path):
            assert not any("checksum" in w for w in found.warnings), path.name
            assert np.isfinite(found.samples).any(axis=1).all()
            seen += len(found.channels)
    assert seen == 2 + 3 + 2 + 3 + 3 + 15 + 4 + 3 + 4 + 3


def test_a_changed_sample_is_noticed(records, tmp_path):
    for name in ("100.hea", "100.dat"):
        shutil.copy(records / name, tmp_path)
    data = bytearray((tmp_path / "100.dat").read_bytes())
    data[0] ^= 1
    (tmp_path / "100.dat").write_bytes(data)
    (found,) = read_wfdb(tmp_path / "100.hea")
    assert any("MLII" in w and "checksum" in w for w in found.warnings)
    assert any("first sample" in w for w in found.warnings)
    assert not any("V5" in w for w in found.warnings)


def test_format_212_equals_a_slow_decoder(records):
    raw = (records / "100.dat").read_bytes()[:9000]
    slow = slow_212(raw, 6000).reshape(-1, 2).T
    (found,) = read_wfdb(records / "100.hea")
    assert found.sampling_hz == 360.0
    assert found.samples.shape == (2, 650_000)
    np.testing.assert_allclose(found.samples[:, :3000], (slow - 1024) / 200, atol=1e-6)
    # an odd number of samples: the last byte triple is cut
    (odd,) = read_wfdb(records / "100_3chan.hea")
    np.testing.assert_array_equal(odd.samples[0], found.samples[0, :999])


def test_beats_of_record_100_are_the_published_ones(records):
    """MIT-BIH Arrhythmia Database directory: 2239 normal, 33 APC, 1 PVC, in 30:06."""
    (found,) = read_wfdb(records / "100.hea")
    kinds = Counter(text.split()[0] for _, text in found.marks)
    assert kinds == {"N": 2239, "A": 33, "V": 1, "+": 1}
    assert found.marks[0] == (18 / 360, "+ (N")
    assert found.duration_s == pytest.approx(30 * 60 + 5.556, abs=0.001)
    # beats lie on the R waves: the lead is higher there than 0.1 s before
    r = np.array([round(t * 360) for t, text in found.marks if text == "N"][1:-1])
    rise = found.samples[0, r] - found.samples[0, r - 36]
    assert np.median(rise) > 0.9


def test_ptb_record(records):
    """15 leads; Einthoven's and Goldberger's laws hold to a few stored steps."""
    (found,) = read_wfdb(records / "s0010_re.hea")
    names = [c.name for c in found.channels]
    assert names[:12] == ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    assert names[12:] == ["vx", "vy", "vz"]
    assert found.duration_s == 38.4
    one, two, three, avr = found.samples[:4].astype(float)
    assert np.abs(two - one - three).max() < 0.003
    assert np.abs(avr + (one + two) / 2).max() < 0.003
    assert found.annotations["patient_sex"] == "F"
    assert found.annotations["patient_age"] == "81 y"
    assert "Diagnose:" in found.comments


def test_skew_several_rates_and_missing_length(records):
    (plain,) = read_wfdb(records / "100.hea")
    (skewed,) = read_wfdb(records / "100skew.hea")
    np.testing.assert_array_equal(skewed.samples[0], plain.samples[0])
    np.testing.assert_array_equal(skewed.samples[1, :-3], plain.samples[1, 3:])
    assert np.isnan(skewed.samples[1, -3:]).all()
    (flat,) = read_wfdb(records / "test01_00s.hea")
    slow, fast = read_wfdb(records / "test01_00s_frame.hea")
    assert (slow.sampling_hz, fast.sampling_hz) == (500.0, 1000.0)
    assert slow.duration_s == fast.duration_s == flat.duration_s == 8.0
    np.testing.assert_array_equal(slow.samples[0], flat.samples[0])
    np.testing.assert_array_equal(fast.samples[0, 0::2], flat.samples[1])
    np.testing.assert_array_equal(fast.samples[0, 1::2], flat.samples[2])
    (long,) = read_wfdb(records / "a103l.hea")
    (unknown,) = read_wfdb(records / "a103l-no-len.hea")
    np.testing.assert_array_equal(long.samples, unknown.samples)
    assert [c.unit for c in long.channels] == ["mV", "mV", "NU"]


def encode(form, values):
    """Bytes of one format, written sample by sample."""
    if form == 212:
        out = bytearray()
        for i in range(0, len(values), 2):
            a = values[i] & 0xFFF
            b = values[i + 1] & 0xFFF if i + 1 < len(values) else None
            out.append(a & 0xFF)
            out.append(a >> 8 | ((b >> 8) << 4 if b is not None else 0))
            if b is not None:
                out.append(b & 0xFF)
        return bytes(out)
    if form in (310, 311):
        out = bytearray()
        for i in range(0, len(values), 3):
            a, b, c = (v & 0x3FF for v in values[i : i + 3])
            if form == 310:
                low, high = a << 1 | (c & 31) << 11, b << 1 | (c >> 5) << 11
            else:
                low, high = a | (b & 63) << 10, b >> 6 | c << 4
            out += struct.pack("<HH", low & 0xFFFF, high & 0xFFFF)
        return bytes(out)
    if form == 24:
        return b"".join((v & 0xFFFFFF).to_bytes(3, "little") for v in values)
    if form == 8:
        return struct.pack(f"{len(values)}b", *np.diff([0, *values]))
    code = {16: "<{}h", 32: "<{}i", 61: ">{}h", 80: "{}B", 160: "<{}H"}[form]
    shift = {80: 128, 160: 32768}.get(form, 0)
    return struct.pack(code.format(len(values)), *(v + shift for v in values))


BITS = {8: 7, 16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12, 310: 10, 311: 10}


@pytest.mark.parametrize("form", BITS)
def test_every_signal_format(tmp_path, form):
    half = 1 << BITS[form] - 1
    rng = np.random.default_rng(form)
    values = [int(v) for v in rng.integers(-half + 1, half, 30)]
    if form == 8:
        values = [v // 8 for v in values]
    values[4], values[5] = (half - 1, -half + 1) if form != 8 else (3, -3)
    raw = encode(form, values)
    assert bytes_of(form, 30) == len(raw)
    assert samples_in(form, len(raw)) == 30
    if form != 8:
        assert decode(form, raw, 30).tolist() == values
    (tmp_path / "r.dat").write_bytes(b"head" + raw)
    checksum = (sum(values) + 32768) % 65536 - 32768
    columns = np.array(values).reshape(15, 2).T
    if form == 8:  # differences run within a signal
        raw = np.diff(columns, prepend=0, axis=1).T.astype("i1").tobytes()
        (tmp_path / "r.dat").write_bytes(b"head" + raw)
    lines = ["r 2 100 15"]
    for column, zero in zip(columns, (0, 7), strict=True):
        checksum = int(column.sum()) & 0xFFFF
        first = 0 if form == 8 else int(column[0])
        lines.append(f"r.dat {form}+4 -50({zero})/mmHg 12 0 {first} {checksum} 0 arterial line")
    (tmp_path / "r.hea").write_text("\n".join(lines))
    (found,) = read_wfdb(tmp_path / "r.hea")
    assert not [w for w in found.warnings if "checksum" in w]
    right = (columns - np.array([[0], [7]])) / -50
    np.testing.assert_allclose(found.samples, right, rtol=1e-6, atol=1e-6)
    assert {(c.name, c.unit) for c in found.channels} == {("arterial line", "mmHg")}


@pytest.mark.parametrize("form", [f for f in BITS if f != 8])
def test_the_lowest_value_is_a_gap(tmp_path, form):
    values = [0, -(1 << BITS[form] - 1), 2]
    (tmp_path / "r.dat").write_bytes(encode(form, values))
    (tmp_path / "r.hea").write_text(f"r 1 100 3\nr.dat {form} 1/mmHg")
    (found,) = read_wfdb(tmp_path / "r.hea")
    np.testing.assert_array_equal(found.samples[0], [0, np.nan, 2])


def test_defaults_of_the_header(tmp_path):
    (tmp_path / "a b.dat").write_bytes(np.arange(5, dtype="<i2").tobytes())
    (tmp_path / "a b.hea").write_text("# first\r\n\r\na b 1\r\na b.dat 16\r\n#last\r\n")
    header = read_record_header(tmp_path / "a b.hea")
    assert (header.name, header.frame_hz, header.frames) == ("a b", 250.0, None)
    assert header.comments == ("last",)
    (found,) = read_wfdb(tmp_path / "a b.hea")
    np.testing.assert_allclose(found.samples[0], np.arange(5) / 200)
    assert "no gain is stated" in found.warnings[0]
    (tmp_path / "z.hea").write_text("z 1 250/24000 5 15:08:24 03/02/1999\na b.dat 16 0(2)/uV")
    (found,) = read_wfdb(tmp_path / "z.hea")
    assert found.annotations["study_date"] == "1999-02-03"
    assert found.channels[0].unit == "mV"
    np.testing.assert_allclose(found.samples[0], (np.arange(5) - 2) / 200 / 1000, rtol=1e-6)


def test_segments(tmp_path):
    for name, leads in (("s1", ("I", "V1")), ("s2", ("V1",))):
        values = np.arange(4 * len(leads), dtype="<i2") + (100 if name == "s2" else 0)
        (tmp_path / f"{name}.dat").write_bytes(values.tobytes())
        lines = [f"{name} {len(leads)} 10 4", *(f"{name}.dat 16 1/mV 12 0 {values[i]} 0 0 {lead}"
                 for i, lead in enumerate(leads))]  # fmt: skip
        (tmp_path / f"{name}.hea").write_text("\n".join(lines))
    (tmp_path / "layout.hea").write_text(
        "layout 2 10 0\n~ 0 1/mV 12 0 0 0 0 I\n~ 0 1/mV 12 0 0 0 0 V1"
    )
    (tmp_path / "m.hea").write_text("m/4 2 10 10\nlayout 0\ns1 4\n~ 2\ns2 4\n")
    (found,) = read_wfdb(tmp_path / "m.hea")
    gap = np.nan
    np.testing.assert_array_equal(found.samples, [
        [0, 2, 4, 6, gap, gap, gap, gap, gap, gap], [1, 3, 5, 7, gap, gap, 100, 101, 102, 103],
    ])  # fmt: skip
    assert [c.name for c in found.channels] == ["I", "V1"]
    (tmp_path / "n.hea").write_text("n/1 2 10 10\nm 10\n")
    with pytest.raises(BadInputError, match="segments itself"):
        read_wfdb(tmp_path / "n.hea")


def word(code, step):
    return struct.pack("<H", code << 10 | step & 0x3FF)


def test_annotation_escapes(tmp_path):
    aux = b"(AFIB"
    raw = (
        word(1, 5)
        + word(59, 0) + struct.pack("<HH", 1, 2)  # SKIP 65538
        + word(28, 1) + word(63, len(aux)) + aux + b"\0"
        + word(5, 3) + word(60, -2) + word(61, 4) + word(62, 1)
        + word(1, 2)
        + word(59, 0) + struct.pack("<hH", -1, 65536 - 2)  # SKIP -2
        + word(8, 7)
        + word(0, 0) + word(1, 1)
    )  # fmt: skip
    path = tmp_path / "r.atr"
    path.write_bytes(raw)
    found, hertz = read_annotations(path, 100.0)
    assert hertz == 100.0
    assert [(a.sample, a.symbol) for a in found] == [
        (5, "N"), (65544, "+"), (65547, "V"), (65549, "N"), (65554, "A")
    ]  # fmt: skip
    assert found[1].words == "+ (AFIB"
    assert (found[2].number, found[2].subtype, found[2].channel) == (-2, 4, 1)
    assert (found[3].subtype, found[3].channel) == (0, 1)
    text = b"## time resolution: 1000"
    path.write_bytes(word(22, 0) + word(63, len(text)) + text + word(1, 500) + word(0, 0))
    found, hertz = read_annotations(path, 100.0)
    assert (hertz, [a.sample for a in found]) == (1000.0, [500])
    path.write_bytes(raw[:-4])
    assert len(read_annotations(path, 100.0)[0]) == 5
    path.write_bytes(word(28, 1) + word(63, 40) + b"cut")
    with pytest.raises(IncompleteError, match="ends inside"):
        read_annotations(path, 100.0)


def test_a_damaged_annotation_file_costs_the_marks_only(tmp_path):
    (tmp_path / "r.dat").write_bytes(b"\0" * 20)
    (tmp_path / "r.hea").write_text("r 1 100 10\nr.dat 16 1/mV")
    (tmp_path / "r.atr").write_bytes(word(28, 1) + word(63, 40))
    (found,) = read_wfdb(tmp_path / "r.hea")
    assert found.marks == ()
    assert "annotations are left out" in found.warnings[-1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no record line"),
        ("r", "names no record"),
        ("r 0 100 5", "no signal"),
        ("r 9999 100 5", "too many"),
        ("r 2 100 5\nr.dat 16", "describes 1"),
        ("r 1 fast 5\nr.dat 16", "names no record"),
        ("r 1 0 5\nr.dat 16", "no trace"),
        ("r 1 1e400 5\nr.dat 16", "no trace"),
        ("r 1 100 5\nr.dat 17", "cannot be read"),
        ("r 1 100 5\nr.dat 16x0", "samples per frame|cannot be read"),
        ("r 1 100 5\n../x.dat 16", "own folder"),
        ("r 1 100 5\n/etc/hostname 16", "own folder"),
        ("r 1 100 5\nhttp://h/x 16", "own folder"),
        ("r 1 100 5\nC:\\x 16", "own folder"),
        ("r 1 100 5\nlink.dat 16", "own folder"),
        ("r 1 100 5\nr.dat 516", "not supported"),
        ("r 1 100 2000000000\nr.dat 16", "incomplete"),
        ("r 1 100 99999999999999999999\nr.dat 16", "incomplete"),
        ("r 1 100 51\nr.dat 16", "incomplete: 102 bytes"),
        ("r 1 100 \u00b9000\nr.dat 16", "names no record"),
        pytest.param("r 1 100 " + "9" * 6000 + "\nr.dat 16", "names no record", id="digits"),
        pytest.param("r 1 100 5\nr.dat 16:" + "9" * 6000, "cannot be read", id="skew"),
        pytest.param("r/2 1 100 5\nr 5\ns " + "9" * 6000, "cannot be read", id="segment"),
        ("r 1 100\nr.dat 16+5000", "no whole sample"),
        ("r 1 100 5\ngone.dat 16", "not in the folder"),
        ("r 2 100 5\nr.dat 16\nr.dat 80", "different formats"),
        ("r/2 1 100 5\nr 5\n../x 5", "own folder|segments itself"),
    ],
)
def test_hostile_headers_are_refused(tmp_path, text, words):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "r.dat").write_bytes(b"\0" * 100)
    (tmp_path / "x.dat").write_bytes(b"\0" * 100)
    (folder / "link.dat").symlink_to(tmp_path / "x.dat")
    (folder / "r.hea").write_text(text)
    with pytest.raises(MedbenchError, match=words):
        read_wfdb(folder / "r.hea")


def test_binary_and_huge_headers(tmp_path):
    (tmp_path / "r.hea").write_bytes(b"r 1\0 100")
    with pytest.raises(BadInputError, match="not text"):
        read_wfdb(tmp_path / "r.hea")
    (tmp_path / "r.hea").write_bytes(b"#" * (2 << 20))
    with pytest.raises(BadInputError, match="too many"):
        read_wfdb(tmp_path / "r.hea")


def test_a_record_is_a_study(records):
    study = wfdb_study(records / "100.dat")
    (display,) = study.series[0].displays
    assert display.kind is DisplayKind.WAVEFORM
    assert display.frames[0].path == records / "100.hea"
    assert (study.patient_id, study.description) == ("100", "WFDB record 100")
    assert display.description == "360 Hz, 30:06 min"
    assert header_of(records / "100.atr").name == "100.hea"
    assert study.study_instance_uid != wfdb_study(records / "a103l.hea").study_instance_uid
    with pytest.raises(BadInputError, match=r"1003\.dat"):
        wfdb_study(records / "1003.hea")
    with pytest.raises(BadInputError, match="no header"):
        wfdb_study(records / "SOURCE.txt")


def test_read_object_opens_a_record(records):
    display = wfdb_study(records / "s0010_re.hea").series[0].displays[0]
    (found,) = read_object(display)
    assert len(found.channels) == 15


def test_records_in_an_archive(tmp_path):
    """Two folders with the same names, a header that names a file of another folder."""
    archive = tmp_path / "records.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for folder, level in (("a", 100), ("b/c", 200)):
            made.writestr(f"{folder}/r.dat", np.full(7, level, "<i2").tobytes())
            made.writestr(f"{folder}/r.hea", f"r 1 100 7\nr.dat 16 1/mV 16 0 {level}")
        made.writestr("d/r.hea", "r 1 100 7\n../a/r.dat 16")
        made.writestr("d/notes.txt", "nothing")
    found = find([archive], Context(tmp_path / "scratch"))
    levels = set()
    for study in found.studies:
        (record,) = read_object(study.series[0].displays[0])
        levels.add(float(record.samples[0, 6]))
        assert len(study.series[0].instances) == 2
    assert levels == {100.0, 200.0}
    reasons = {item.path.as_posix().split("records.zip/")[-1]: item.reason
               for item in found.skipped}  # fmt: skip
    assert set(reasons) == {"d/r.hea", "d/notes.txt"}
    assert "own folder" in reasons["d/r.hea"]
    assert found.files == 6
