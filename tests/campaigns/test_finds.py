"""What the campaigns found, one test a find."""

import random
import sys
import time
from pathlib import Path

import imagecodecs
import numpy as np
import psutil
import pytest

from medbench.base.errors import BadInputError, DecodeError, IncompleteError
from medbench.cli.main import main
from medbench.dicom.decoding.codecs import decode_frame, stream_size
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.displays import build_displays
from medbench.dicom.guard import read_header
from medbench.dicom.pixels import PixelFormat
from medbench.dicom.reader import open_display
from medbench.dicom.report import read_report
from medbench.dicom.scan import scan
from medbench.dicom.structures import read_structures
from medbench.domain.image import DisplayKind
from tests.campaigns import crafting as c
from tests.campaigns.mutator import mutate
from tests.campaigns.seeds import rle_frame, whole_files

JPEG, HTJ2K, J2K, JXL = (f"1.2.840.10008.1.2.4.{n}" for n in (50, 201, 90, 110))


@pytest.fixture
def textured():
    rng = np.random.default_rng(1)
    ramp = np.add.outer(np.arange(96), np.arange(128)) * 9
    return (ramp + rng.integers(0, 60, ramp.shape)).astype(np.uint16)


def form(array, syntax, **changes):
    bits = array.itemsize * 8
    values = {
        "rows": array.shape[0], "columns": array.shape[1], "samples": 1, "bits_allocated": bits,
        "bits_stored": bits, "high_bit": bits - 1, "signed": False, "photometric": "MONOCHROME2",
        "planar": 0, "frames": 1, "transfer_syntax_uid": syntax,
    }  # fmt: skip
    return PixelFormat(**{**values, **changes})


def display_of(tmp_path, data):
    path = tmp_path / "object.dcm"
    path.write_bytes(data)
    result = scan([path])
    assert not result.skipped
    return result.studies[0].series[0].displays[0]


@pytest.mark.parametrize("end_marker", [b"", b"\xff\xd9"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_jpeg_that_ends_early_is_not_filled_with_grey(textured, part, end_marker):
    eight = (textured >> 4).astype(np.uint8)
    whole = bytes(imagecodecs.jpeg8_encode(eight))
    assert decode_frame(whole, form(eight, JPEG)).shape == eight.shape
    # the codec itself says nothing
    cut = whole[: int(len(whole) * part)] + end_marker
    assert not np.array_equal(imagecodecs.jpeg_decode(cut), imagecodecs.jpeg_decode(whole))
    with pytest.raises(IncompleteError, match="incomplete"):
        decode_frame(cut, form(eight, JPEG))


def test_a_jpeg_whose_last_block_is_really_mid_grey_is_shown():
    grey = np.full((64, 64), 128, np.uint8)
    assert (decode_frame(bytes(imagecodecs.jpeg8_encode(grey)), form(grey, JPEG)) == 128).all()


@pytest.mark.parametrize("syntax", [HTJ2K, J2K])
def test_a_jpeg_2000_that_ends_early_is_incomplete(textured, syntax):
    encode = imagecodecs.htj2k_encode if syntax == HTJ2K else imagecodecs.jpeg2k_encode
    options = {} if syntax == HTJ2K else {"level": 0}
    whole = bytes(encode(textured, **options))
    assert np.array_equal(decode_frame(whole, form(textured, syntax)), textured)
    for part in (0.3, 0.6, 0.99):
        with pytest.raises(IncompleteError):
            decode_frame(whole[: int(len(whole) * part)] + whole[-2:], form(textured, syntax))


def test_a_jpeg_with_thousands_of_scans_is_refused_at_once():
    flat = np.zeros((64, 64), np.uint8)
    data = bytes(imagecodecs.jpeg8_encode(flat))
    at = data.rfind(b"\xff\xda")
    with pytest.raises(DecodeError, match="scans"):
        decode_frame(data[:at] + data[at:-2] * 300 + b"\xff\xd9", form(flat, JPEG))


def test_a_large_jpeg_in_a_few_bytes_is_refused():
    flat = np.zeros((8, 8), np.uint8)
    data = bytes(imagecodecs.jpeg8_encode(flat))
    at = data.find(b"\xff\xc0") + 5
    data = data[:at] + bytes((0x10, 0, 0x10, 0)) + data[at + 4 :]
    with pytest.raises(DecodeError, match="too few"):
        decode_frame(data, form(flat, JPEG, rows=4096, columns=4096))


@pytest.mark.parametrize("shape", [(64, 64), (40, 128), (33, 57), (300, 1000), (16, 24)])
@pytest.mark.parametrize("container", [False, True])
def test_the_size_of_a_jpeg_xl_stream_is_read_before_it_is_decoded(shape, container):
    array = np.arange(shape[0] * shape[1]).reshape(shape).astype(np.uint8)
    data = bytes(imagecodecs.jpegxl_encode(array, lossless=True, usecontainer=container))
    assert stream_size(data, JXL) == shape


def test_F011_a_frame_count_without_bytes_makes_no_frames(tmp_path):
    for pixels, syntax in (
        (c.native(bytes(512)), c.EXPLICIT),
        (c.fragments(bytes(72)), c.RLE),
    ):
        data = c.image(16, 16, pixels, syntax=syntax, frames="2000000000")
        display = display_of(tmp_path, data)
        assert display.kind is DisplayKind.OTHER
        assert display.reason.startswith("incomplete: 2000000000 frames")


def test_F010_a_volume_that_its_files_cannot_hold_is_not_allocated(tmp_path):
    frames = [c.RLE and rle_frame(np.ones((16, 16), np.uint8))] * 4000
    data = c.image(8000, 8000, c.fragments(*frames), syntax=c.RLE, frames="4000")
    with open_display(display_of(tmp_path, data)) as reader, pytest.raises(BadInputError):
        reader.load()


def test_F014_a_high_bit_beyond_the_cell_is_put_right_with_a_warning(tmp_path):
    data = c.image(4, 4, c.native(bytes(range(16))))
    at = data.find(b"\x28\0\x02\x01US")
    data = data[: at + 8] + b"\xff\xff" + data[at + 10 :]
    with open_display(display_of(tmp_path, data)) as reader:
        assert (reader.read(0).ravel() == np.arange(16)).all()
        assert any("High Bit" in text for text in reader.info(0).warnings)


def test_a_sequence_of_unknown_vr_is_implicit_inside(tmp_path):
    """PS3.5 6.2.2 note 2; pydicom's UN_sequence.dcm."""
    inner = b"\x08\0\x50\x11\x04\0\0\0" + b"1.2\0"
    unknown = c.element(0x00081115, "UN", b"", c.UNDEFINED) + c.open_item(inner)
    body = c.identity() + unknown + b"\xfe\xff\xdd\xe0\0\0\0\0" + c.series()
    path = tmp_path / "un.dcm"
    path.write_bytes(c.part10(body + c.image_pixel(4, 4) + c.native(bytes(16))))
    header = read_header(path)
    assert header.text(0x0020000D) == "1.2.3"
    assert header.pixel_length_bytes == 16


def test_pixels_behind_a_large_private_value_are_found_without_reading_it(tmp_path):
    large = c.element(0x00090010, "LO", "HOSTILE") + c.element(0x00091001, "OB", bytes(300_000))
    path = tmp_path / "large.dcm"
    path.write_bytes(c.image(4, 4, c.native(bytes(range(16))), before=large))
    header = read_header(path)
    data = path.read_bytes()
    begin = header.pixel_offset
    assert data[begin : begin + header.pixel_length_bytes] == bytes(range(16))
    path.write_bytes(data[:-3])
    with pytest.raises(IncompleteError, match=f"has {len(data) - 3}"):
        read_header(path)


def test_an_image_without_pixel_data_is_called_incomplete(tmp_path):
    path = tmp_path / "cut.dcm"
    path.write_bytes(c.part10(c.identity(c.CT) + c.series(), sop_class=c.CT))
    (display,) = build_displays([read_header(path)])
    assert display.kind is DisplayKind.OTHER
    assert display.reason.startswith("incomplete")


def test_a_report_of_a_million_entries_is_refused_before_it_is_parsed(tmp_path):
    sop = "1.2.840.10008.5.1.4.1.1.88.33"
    body = c.identity(sop, "SR") + c.series() + c.element(0x0040A730, "SQ", c.item(b"") * 100_001)
    path = tmp_path / "report.dcm"
    path.write_bytes(c.part10(body, sop_class=sop))
    with pytest.raises(BadInputError, match="too many"):
        read_report(path)


def test_a_value_of_broken_length_is_a_reason_not_an_exception(tmp_path):
    """BytesLengthException of pydicom is no ValueError."""
    sop = "1.2.840.10008.5.1.4.1.1.481.3"
    broken = c.sequence(0x30060020, c.item(b"\x06\x30\x22\0UL\3\0abc" + bytes(1)))
    path = tmp_path / "structures.dcm"
    path.write_bytes(c.part10(c.identity(sop, "RTSTRUCT") + c.series() + broken, sop_class=sop))
    with pytest.raises(DecodeError, match="BytesLengthException"):
        read_structures(path)


def test_F136_a_frame_that_kills_two_decoders_is_not_tried_again(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDBENCH_DECODER_FAULT", "crash:object.dcm")
    data = c.image(8, 8, c.fragments(rle_frame(np.ones((8, 8), np.uint8))), syntax=c.RLE)
    display = display_of(tmp_path, data)
    with DecoderPool(1) as pool, open_display(display, pool) as reader:
        for _ in range(3):
            with pytest.raises(DecodeError, match="crashed"):
                reader.read(0)
        assert pool.deaths == 2


def test_F136_five_deaths_within_a_minute_stop_the_series(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDBENCH_DECODER_FAULT", "crash:object.dcm")
    frames = [rle_frame(np.full((8, 8), i, np.uint8)) for i in range(40)]
    data = c.image(8, 8, c.fragments(*frames), syntax=c.RLE, frames="40")
    display = display_of(tmp_path, data)
    with DecoderPool(1) as pool, open_display(display, pool) as reader:
        volume = reader.load()
        assert not volume.ready.any()
        assert len(volume.failed) == 40
        assert sum("stopped" in reason for reason in volume.failed.values()) >= 30
        assert pool.deaths <= 5


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux")
def test_decoders_are_limited_and_single_threaded(tmp_path):
    frames = [rle_frame(np.full((8, 8), i, np.uint8)) for i in range(3)]
    data = c.image(8, 8, c.fragments(*frames), syntax=c.RLE, frames="3")
    display = display_of(tmp_path, data)
    with DecoderPool(1) as pool, open_display(display, pool) as reader:
        volume = reader.load()
        assert volume.ready.all()
        (decoder,) = psutil.Process().children(recursive=True)
        limits = {
            line[:26].strip(): line[26:].split()[:2]
            for line in Path(f"/proc/{decoder.pid}/limits").read_text().splitlines()
        }
        assert limits["Max address space"] == [str(2 << 30)] * 2
        assert limits["Max core file size"] == ["0", "0"]
        assert limits["Max open files"] == ["64", "64"]
        assert limits["Max file size"][0] == "0"
        assert decoder.environ()["OMP_NUM_THREADS"] == "1"
        assert decoder.num_threads() == 1


@pytest.mark.parametrize("head", [b"MZ", b"\x7fELF", b"#!/bin/sh", b"\xcf\xfa\xed\xfe"])
def test_F046_a_preamble_that_is_a_program_is_named(tmp_path, head):
    path = tmp_path / "program.dcm"
    data = c.image(4, 4, c.native(bytes(16)))
    path.write_bytes(head + data[len(head) :])
    assert any("program" in text for text in read_header(path).warnings)


def test_the_command_line_ends_mutants_with_0_1_or_2_and_one_sentence(tmp_path, capsys):
    rng, files = random.Random(5), whole_files()
    names = [name for name in files if name not in ("waveform_ecg.dcm",)]
    for index in range(12):
        path = tmp_path / f"{index}.dcm"
        path.write_bytes(mutate(files[rng.choice(names)], rng, list(files.values())))
        out = str(tmp_path / "out")
        for verb in ("scan", "array", "render"):
            target = [] if verb == "scan" else ["--out", f"{out}.{verb}"]
            code = main([verb, str(path), *target, "--json"])
            written = capsys.readouterr()
            assert code in (0, 1, 2)
            assert "Traceback" not in written.err
            assert bool(code) == written.err.startswith("medbench: ")


def test_a_jpeg_ls_without_end_marker_does_not_hang(textured):
    """Mutant 2714 of seed 31: charls 2.4 never came back."""
    stream = (Path(__file__).parent / "finds" / "charls_hang.jls").read_bytes()
    array = np.zeros((48, 48), np.uint16)
    with pytest.raises(IncompleteError, match="no end"):
        decode_frame(stream, form(array, "1.2.840.10008.1.2.4.80"))


def test_F020_two_tries_of_a_hanging_frame_keep_one_deadline(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDBENCH_DECODER_FAULT", "hang:object.dcm")
    data = c.image(8, 8, c.fragments(rle_frame(np.ones((8, 8), np.uint8))), syntax=c.RLE)
    display = display_of(tmp_path, data)
    with DecoderPool(1, deadline_s=1.0) as pool, open_display(display, pool) as reader:
        pool.warm(wait=True)
        begin = time.monotonic()
        with pytest.raises(DecodeError, match="no answer"):
            reader.read(0)
        assert time.monotonic() - begin < 4  # one second of waiting, and a restart
        begin = time.monotonic()
        assert "no answer" in reader.load().failed[0]
        assert time.monotonic() - begin < 0.5


def test_G2_a_deflated_file_cut_in_its_checksum_is_incomplete(tmp_path):
    data = whole_files()["image_dfl.dcm"]
    path = tmp_path / "cut.dcm"
    for missing in (1, 4, 6):
        path.write_bytes(data[:-missing])
        with pytest.raises(IncompleteError, match="checksum"):
            read_header(path)
    path.write_bytes(data)
    assert not read_header(path).warnings
