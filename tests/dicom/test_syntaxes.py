"""Every transfer syntax by a round trip: bits, sign, colour, fragments; and what is refused."""

import struct
import zlib

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, encapsulate_extended, generate_fragments
from pydicom.pixels.encoders.base import RLELosslessEncoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from medbench.base.errors import BadInputError, DecodeError, IncompleteError
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.pixel_source import PixelSource
from medbench.dicom.pixels import ybr_full_to_rgb
from medbench.dicom.reader import open_display
from medbench.dicom.scan import scan

JXL_LOSSLESS, JXL_JPEG, JXL = (f"1.2.840.10008.1.2.4.11{i}" for i in range(3))
DEFLATED_FRAME = "1.2.840.10008.1.2.8.1"
ROWS, COLUMNS = 33, 47


@pytest.fixture
def pool():
    with DecoderPool(2) as made:
        yield made


def picture(bits, seed=0):
    """Slopes and noise over the whole range, (ROWS, COLUMNS) uint8 or uint16."""
    rng = np.random.default_rng(seed)
    slope = np.add.outer(np.arange(ROWS), np.arange(COLUMNS)) * (1 << bits) // (ROWS + COLUMNS)
    values = (slope + rng.integers(0, 9, slope.shape)) % (1 << bits)
    return values.astype(np.uint8 if bits <= 8 else np.uint16)


def colour(bits=8):
    return np.stack([picture(bits, seed) for seed in range(3)], axis=-1)


def rle(values):
    planes = values[..., None] if values.ndim == 2 else values
    segments = []
    for channel in range(planes.shape[-1]):
        cells = np.ascontiguousarray(planes[..., channel])
        data = cells.view(np.uint8).reshape(*cells.shape, cells.dtype.itemsize)
        for byte in range(cells.dtype.itemsize - 1, -1, -1):
            packed = bytes(imagecodecs.packbits_encode(np.ascontiguousarray(data[..., byte])))
            segments.append(packed + b"\0" * (len(packed) % 2))
    offsets = [64]
    for segment in segments[:-1]:
        offsets.append(offsets[-1] + len(segment))
    head = struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(offsets)))
    return head + b"".join(segments)


def deflate(values):
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return engine.compress(values.tobytes()) + engine.flush()


LOSSLESS = {
    RLELossless: rle,
    DEFLATED_FRAME: deflate,
    JPEGLossless: None,
    JPEGLosslessSV1: None,
    JPEGLSLossless: imagecodecs.jpegls_encode,
    JPEGLSNearLossless: imagecodecs.jpegls_encode,
    JPEG2000Lossless: None,
    JPEG2000: None,
    HTJ2KLossless: lambda values: imagecodecs.htj2k_encode(values, reversible=True),
    HTJ2K: lambda values: imagecodecs.htj2k_encode(values, reversible=True),
    JXL_LOSSLESS: lambda values: imagecodecs.jpegxl_encode(values, lossless=True),
    JXL: lambda values: imagecodecs.jpegxl_encode(values, lossless=True),
}


def encoded(syntax, values, bits):
    if syntax in (JPEGLossless, JPEGLosslessSV1):
        if values.ndim == 2:
            return imagecodecs.ljpeg_encode(values, bitspersample=bits)
        return imagecodecs.jpeg8_encode(values, lossless=True, colorspace="RGB",
                                        outcolorspace="RGB")  # fmt: skip
    if syntax in (JPEG2000, JPEG2000Lossless):
        return imagecodecs.jpeg2k_encode(
            values, level=0, reversible=True, codecformat="j2k", bitspersample=bits
        )
    return LOSSLESS[syntax](values)


@pytest.mark.parametrize("syntax", list(LOSSLESS), ids=str)
def test_grey_of_every_width_and_sign(write, pool, syntax):
    for bits in (8, 12, 16):
        for signed in (0, 1):
            values = picture(bits)
            path = write(
                f"{bits}{signed}.dcm", values, syntax, encapsulate([encoded(syntax, values, bits)]),
                BitsStored=bits, HighBit=bits - 1, PixelRepresentation=signed,
            )  # fmt: skip
            with PixelSource(path, pool) as source:
                found = source.stored(0)
            expected = values.astype(int)
            if signed:
                expected = np.where(expected >= 1 << (bits - 1), expected - (1 << bits), expected)
            assert np.array_equal(found, expected), (bits, signed)


@pytest.mark.parametrize("syntax", list(LOSSLESS), ids=str)
def test_colour(write, pool, syntax):
    values = colour()
    path = write("rgb.dcm", values, syntax, encapsulate([encoded(syntax, values, 8)]))
    with PixelSource(path, pool) as source:
        assert np.array_equal(source.stored(0), values)


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEGLosslessSV1, HTJ2KLossless])
def test_codecs_that_know_no_colour_leave_ybr_to_us(write, pool, syntax):
    values = colour()
    data = encoded(syntax, values, 8)
    if syntax == HTJ2KLossless:  # without its own colour transform
        data = imagecodecs.jpeg2k_encode(
            values, level=0, reversible=True, codecformat="j2k", mct=False
        )
        syntax = JPEG2000Lossless
    path = write("ybr.dcm", values, syntax, encapsulate([data]),
                 PhotometricInterpretation="YBR_FULL")  # fmt: skip
    with PixelSource(path, pool) as source:
        assert np.array_equal(source.stored(0), ybr_full_to_rgb(values))


@pytest.mark.parametrize("bits", [12, 16])
def test_wide_colour_keeps_its_high_bits(write, pool, bits):
    values = colour(bits)
    for name, syntax in (("rle", RLELossless), ("j2k", JPEG2000Lossless), ("jls", JPEGLSLossless)):
        path = write(f"{name}.dcm", values, syntax, encapsulate([encoded(syntax, values, bits)]),
                     BitsStored=bits, HighBit=bits - 1)  # fmt: skip
        with PixelSource(path, pool) as source:
            assert np.array_equal(source.stored(0), values >> (bits - 8)), name
    path = write("raw.dcm", values, BitsStored=bits, HighBit=bits - 1)
    with PixelSource(path, pool) as source:
        assert np.array_equal(source.stored(0), values >> (bits - 8))


def test_lossy_jpeg_of_eight_and_twelve_bits(write, pool):
    for bits, syntax in ((8, JPEGBaseline8Bit), (12, JPEGExtended12Bit)):
        slope = np.add.outer(np.arange(64), np.arange(64)) * ((1 << bits) - 1) // 126
        values = slope.astype(np.uint8 if bits == 8 else np.uint16)
        data = imagecodecs.jpeg8_encode(values, level=95, bitspersample=bits)
        path = write(f"{bits}.dcm", values, syntax, encapsulate([data]), BitsStored=bits,
                     HighBit=bits - 1)  # fmt: skip
        with PixelSource(path, pool) as source:
            found = source.stored(0)
        assert np.abs(found.astype(int) - values).max() <= (3 if bits == 8 else 24)
        assert np.array_equal(found, imagecodecs.jpeg8_decode(data))


def test_jpeg_recompressed_as_jpeg_xl_is_the_jpeg(write, pool):
    values = colour()
    jpeg = imagecodecs.jpeg8_encode(values, level=90)
    data = imagecodecs.jpegxl_encode_jpeg(jpeg)
    path = write("x.dcm", values, JXL_JPEG, encapsulate([data]),
                 PhotometricInterpretation="YBR_FULL_422")  # fmt: skip
    with PixelSource(path, pool) as source:
        found = source.stored(0).astype(int)
    assert np.abs(found - imagecodecs.jpeg8_decode(jpeg)).mean() < 1.0


def frames_of(count):
    return [picture(12, seed) for seed in range(count)]


def several(write, name, frames, data, syntax=JPEGLSLossless, **attributes):
    return write(name, np.concatenate(frames), syntax, data, Rows=ROWS, BitsStored=12, HighBit=11,
                 NumberOfFrames=len(frames), **attributes)  # fmt: skip


def check_frames(path, frames, pool):
    with PixelSource(path, pool) as source:
        for index, expected in enumerate(frames):
            assert np.array_equal(source.stored(index), expected), (path.name, index)


def test_frames_are_found_with_and_without_offset_tables(write, pool):
    frames = frames_of(3)
    streams = [imagecodecs.jpegls_encode(f) for f in frames]
    plain = encapsulate(streams, has_bot=False)
    assert len(list(generate_fragments(plain))) == 4
    check_frames(several(write, "plain.dcm", frames, plain), frames, pool)
    check_frames(several(write, "table.dcm", frames, encapsulate(streams)), frames, pool)
    split = encapsulate(streams, fragments_per_frame=3, has_bot=False)
    check_frames(several(write, "split.dcm", frames, split), frames, pool)
    both = encapsulate(streams, fragments_per_frame=2)
    check_frames(several(write, "both.dcm", frames, both), frames, pool)
    data, offsets, lengths = encapsulate_extended(streams)
    path = several(write, "extended.dcm", frames, data, ExtendedOffsetTable=offsets,
                   ExtendedOffsetTableLengths=lengths)  # fmt: skip
    check_frames(path, frames, pool)


def test_fragments_that_cannot_be_shared_out_are_named(write, pool):
    frames = frames_of(3)
    streams = [rle(f) for f in frames]  # run lengths have no mark where a frame begins
    data = encapsulate(streams, fragments_per_frame=2, has_bot=False)
    path = several(write, "lost.dcm", frames, data, RLELossless)
    with PixelSource(path, pool) as source, pytest.raises(DecodeError, match="6 fragments for 3"):
        source.stored(0)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian]
)
def test_uncompressed_frames(write, pool, syntax):
    frames = frames_of(2)
    check_frames(several(write, "a.dcm", frames, None, syntax), frames, pool)


def test_big_endian_cells_and_words(write, pool):
    cells = picture(16)
    path = write("w.dcm", cells.astype(">u2"), ExplicitVRBigEndian)
    with PixelSource(path, pool) as source:
        assert np.array_equal(source.stored(0), cells)
    odd = [picture(8, seed) for seed in range(3)]  # an odd number of bytes: frames share words
    data = np.concatenate(odd).tobytes() + b"\0"
    for vr in ("OB", "OW"):
        path = write(f"{vr}.dcm", np.concatenate(odd), ExplicitVRBigEndian, Rows=ROWS,
                     NumberOfFrames=3)  # fmt: skip
        swapped = np.frombuffer(data, np.uint8).reshape(-1, 2)[:, ::-1].tobytes()
        replace_pixels(path, swapped if vr == "OW" else data, vr=vr)
        check_frames(path, odd, pool)


def test_paired_colour_of_even_and_odd_rows(write, pool):
    for columns in (6, 5):
        pairs = (columns + 1) // 2
        rng = np.random.default_rng(columns)
        luma = rng.integers(0, 256, (4, pairs * 2)).astype(np.uint8)
        cb, cr = rng.integers(0, 256, (2, 4, pairs)).astype(np.uint8)
        cells = np.stack([luma[:, ::2], luma[:, 1::2], cb, cr], axis=-1)
        full = np.stack([luma, np.repeat(cb, 2, 1), np.repeat(cr, 2, 1)], axis=-1)
        path = write(
            f"{columns}.dcm", np.zeros((4, columns, 3), np.uint8), encapsulated=None,
            PhotometricInterpretation="YBR_FULL_422",
        )  # fmt: skip
        replace_pixels(path, cells.tobytes())
        with PixelSource(path, pool) as source:
            assert np.array_equal(source.stored(0), ybr_full_to_rgb(full)[:, :columns])


def replace_pixels(path, data, tag=0x7FE00010, vr="OB"):
    ds = pydicom.dcmread(path)
    if tag != 0x7FE00010:
        del ds[0x7FE00010]
        vr = {0x7FE00008: "OF", 0x7FE00009: "OD"}[tag]
    ds.add_new(tag, vr, data + b"\0" * (len(data) % 2))
    ds.save_as(path, enforce_file_format=True)
    return path


def test_studio_swing_colour_is_widened(write, pool):
    cells = np.array([[[16, 235, 128, 128]], [[126, 126, 240, 16]]], np.uint8)
    path = write("p.dcm", np.zeros((2, 2, 3), np.uint8),
                 PhotometricInterpretation="YBR_PARTIAL_422")  # fmt: skip
    replace_pixels(path, cells.tobytes())
    with PixelSource(path, pool) as source:
        found = source.stored(0)
    assert found[0].tolist() == [[0, 0, 0], [255, 255, 255]]
    assert found[1, 0].tolist() == found[1, 1].tolist()
    assert found[1, 0, 2] == 255


@pytest.mark.parametrize(("tag", "dtype"), [(0x7FE00008, "<f4"), (0x7FE00009, "<f8")])
def test_float_pixels(write, pool, tag, dtype):
    values = np.linspace(-3.5, 1e6, 20).reshape(4, 5).astype(dtype)
    path = write("f.dcm", np.zeros((4, 5), np.uint16), BitsAllocated=values.dtype.itemsize * 8,
                 BitsStored=None, HighBit=None, PixelRepresentation=None)  # fmt: skip
    replace_pixels(path, values.tobytes(), tag)
    with PixelSource(path, pool) as source:
        assert np.array_equal(source.stored(0), values)
    (display,) = (d for s in scan([path]).studies for x in s.series for d in x.displays)
    with open_display(display, pool) as reader:
        assert np.allclose(reader.load().voxels[0], values, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint32, np.int32])
def test_cells_of_32_bits(write, pool, dtype):
    values = (np.arange(20).reshape(4, 5) * 100_000_007).astype(dtype)
    with PixelSource(write("i.dcm", values), pool) as source:
        assert np.array_equal(source.stored(0), values)


def test_a_picture_of_single_bits(write, pool):
    bits = np.random.default_rng(1).integers(0, 2, (5, 7)).astype(np.uint8)
    path = write("b.dcm", bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    replace_pixels(path, np.packbits(bits.ravel(), bitorder="little").tobytes())
    with PixelSource(path, pool) as source:
        assert np.array_equal(source.stored(0), bits)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_overlays_in_unused_bits_survive_and_are_masked(write, pool, syntax):
    values = picture(12)
    cells = values | np.uint16(0x8000) * (np.arange(COLUMNS) == 3).astype(np.uint16)
    data = encapsulate([rle(cells)]) if syntax == RLELossless else None
    path = write("o.dcm", cells, syntax, data, BitsStored=12, HighBit=11)
    ds = pydicom.dcmread(path)
    plane = {
        0x10: ("US", ROWS), 0x11: ("US", COLUMNS), 0x40: ("CS", "G"), 0x50: ("SS", [1, 1]),
        0x100: ("US", 16), 0x102: ("US", 15),
    }  # fmt: skip
    for element, (vr, value) in plane.items():
        ds.add_new(0x60000000 | element, vr, value)
    ds.save_as(path, enforce_file_format=True)
    (display,) = (d for s in scan([path]).studies for x in s.series for d in x.displays)
    with open_display(display, pool) as reader:
        assert np.array_equal(reader.read(0), values)
        (plane,) = reader.info(0).overlays
    assert np.array_equal(plane.mask, np.broadcast_to(np.arange(COLUMNS) == 3, plane.mask.shape))


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"SamplesPerPixel": 4, "PhotometricInterpretation": "CMYK"}, "CMYK"),
        ({"SamplesPerPixel": 4, "PhotometricInterpretation": "ARGB"}, "ARGB"),
        ({"SamplesPerPixel": 4, "PhotometricInterpretation": "RGB"}, "only grey"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "HSV"}, "HSV"),
        ({"BitsAllocated": 12, "BitsStored": 12}, "Bits Allocated is 12"),
    ],
)
def test_pixels_that_cannot_be_shown_say_so(write, pool, attributes, words):
    path = write("n.dcm", np.zeros((4, 16), np.uint8), **{"PlanarConfiguration": 0, **attributes})
    with PixelSource(path, pool) as source, pytest.raises(BadInputError, match=words):
        source.stored(0)


@pytest.mark.parametrize(
    ("syntax", "words"),
    [
        ("1.2.840.10008.1.2.4.100", "MPEG-2"),
        ("1.2.840.10008.1.2.4.102", "MPEG-4"),
        ("1.2.840.10008.1.2.4.107", "HEVC"),
        ("1.2.840.10008.1.2.4.94", "server"),
        ("1.2.840.10008.1.2.4.55", "1.2.840.10008.1.2.4.55"),
    ],
)
def test_syntaxes_that_are_not_shown_are_named(write, pool, syntax, words):
    path = write("v.dcm", np.zeros((4, 4), np.uint8), syntax, encapsulate([b"\0" * 32]))
    with PixelSource(path, pool) as source, pytest.raises(DecodeError, match=words):
        source.stored(0)


def test_a_frame_that_is_not_there_is_incomplete(write, pool):
    path = write("c.dcm", picture(12), BitsStored=12, HighBit=11, NumberOfFrames=2)
    with PixelSource(path, pool) as source, pytest.raises(IncompleteError, match="2 frames"):
        source.stored(1)


def test_our_run_lengths_are_those_of_pydicom():
    values = picture(16)
    theirs = RLELosslessEncoder.encode(
        values, rows=ROWS, columns=COLUMNS, bits_allocated=16, bits_stored=16, samples_per_pixel=1,
        number_of_frames=1, pixel_representation=0, photometric_interpretation="MONOCHROME2",
    )  # fmt: skip
    assert struct.unpack("<I", theirs[:4]) == struct.unpack("<I", rle(values)[:4])
