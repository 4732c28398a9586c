"""How decoded frames reach the volume: in shared memory, batch by batch, whatever happens."""

import gc
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import imagecodecs
import numpy as np
import psutil
import pytest
from pydicom.encaps import encapsulate

from medbench.base.errors import DecodeError
from medbench.dicom.decoding import pool as decoder_pool
from medbench.dicom.decoding import shared
from medbench.dicom.decoding.pool import DecoderPool, FrameJob
from medbench.dicom.decoding.shared import SharedVolume
from medbench.dicom.modality import fitted
from medbench.dicom.order import PendingSlices
from medbench.dicom.reader import open_display
from medbench.dicom.scan import scan
from medbench.dicom.source_file import SourceFile
from medbench.dicom.voi import Rescale

JPEG_LS, JPEG_2000, RLE = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"


def rle(picture):
    cells = np.ascontiguousarray(picture).view(np.uint16)
    segments = [imagecodecs.packbits_encode(p.astype(np.uint8).tobytes())
                for p in (cells >> 8, cells & 255)]  # fmt: skip
    head = np.array([2, 64, 64 + len(segments[0]), *[0] * 13], "<u4").tobytes()
    return head + b"".join(segments)


ENCODERS = {
    JPEG_LS: lambda p: imagecodecs.jpegls_encode(p.view(np.uint16)),
    JPEG_2000: lambda p: imagecodecs.jpeg2k_encode(
        p, level=0, codecformat="j2k", reversible=True, mct=False
    ),
    RLE: rle,
}


def write_stack(write, stored, syntax, **changes):
    """One file a slice of signed 16-bit values, compressed; the folder."""
    for z, picture in enumerate(stored):
        data = encapsulate([ENCODERS[syntax](np.ascontiguousarray(picture))])
        path = write(
            f"s{z:03d}.dcm", picture, syntax, data, InstanceNumber=z + 1,
            ImagePositionPatient=[0, 0, z], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[1, 1], **changes,
        )  # fmt: skip
    return path.parent


def frame_of(path):
    file = SourceFile(path)
    return file.fragments_of(0), file.form


def opened(folder):
    (display,) = scan([folder]).studies[0].series[0].displays
    return display


@pytest.fixture
def pool():
    with DecoderPool(1) as made:
        yield made


@pytest.fixture
def stored():
    rng = np.random.default_rng(3)
    base = np.cumsum(rng.integers(-3, 4, (9, 24, 40)), axis=2)
    return (base + 100 * np.arange(9)[:, None, None] - 300).astype(np.int16)


@pytest.mark.parametrize("syntax", [JPEG_LS, JPEG_2000, RLE])
@pytest.mark.parametrize("piped", [False, True])
def test_the_volume_holds_what_was_compressed(write, pool, stored, syntax, piped, monkeypatch):
    if piped:
        monkeypatch.setattr(shared, "available", lambda: False)
    folder = write_stack(write, stored, syntax, RescaleSlope="1", RescaleIntercept="-24")
    with open_display(opened(folder), pool) as reader:
        volume = reader.load(first=4)
        assert volume.ready.all()
        np.testing.assert_array_equal(volume.voxels, stored - 24)
        np.testing.assert_array_equal(volume.voxels[5], reader.read(5))


def test_a_fractional_slope_gives_floats(write, pool, stored):
    folder = write_stack(write, stored, JPEG_LS, RescaleSlope="0.5", RescaleIntercept="0.25")
    with open_display(opened(folder), pool) as reader:
        volume = reader.load()
    assert volume.voxels.dtype == np.float32
    np.testing.assert_array_equal(volume.voxels, stored.astype(np.float32) * 0.5 + 0.25)


def test_the_volume_outlives_its_reader(write, pool, stored):
    folder = write_stack(write, stored, JPEG_LS)
    with open_display(opened(folder), pool) as reader:
        volume = reader.load()
    del reader
    gc.collect()
    assert volume.voxels.sum() == stored.sum(dtype=np.int64)
    with pytest.raises(ValueError, match="read-only"):
        volume.voxels[0, 0, 0] = 1


def test_a_dropped_volume_leaves_no_descriptor(write, pool, stored):
    here = Path("/proc/self/fd")
    if not here.is_dir():
        pytest.skip("open descriptors cannot be counted here")
    folder = write_stack(write, stored, JPEG_LS)
    pool.decode(folder / "s000.dcm", *frame_of(folder / "s000.dcm"))  # starts the process
    gc.collect()
    before = len(list(here.iterdir()))
    with open_display(opened(folder), pool) as reader:
        volume = reader.load(threads=1)
    assert volume.ready.all()
    del reader, volume
    gc.collect()
    assert len(list(here.iterdir())) == before


def test_wider_values_widen_the_volume(write, pool, stored):
    """Slices with another intercept do not fit into the cells of the first one."""
    write_stack(write, stored, JPEG_LS, RescaleSlope="1", RescaleIntercept="0")
    data = encapsulate([ENCODERS[JPEG_LS](stored[8])])
    path = write(
        "s008.dcm", stored[8], JPEG_LS, data, InstanceNumber=9, ImagePositionPatient=[0, 0, 8],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[1, 1],
        RescaleSlope="1", RescaleIntercept="100000",
    )  # fmt: skip
    with open_display(opened(path.parent), pool) as reader:
        volume = reader.load(first=8)
    assert volume.voxels.dtype == np.int32
    assert volume.ready.all()
    wanted = stored.astype(np.int32)
    wanted[8] += 100000
    np.testing.assert_array_equal(volume.voxels, wanted)


@pytest.mark.parametrize("fault", ["crash", "hang"])
def test_a_death_in_a_batch_costs_one_frame(write, stored, fault, monkeypatch):
    folder = write_stack(write, stored, RLE)
    display = opened(folder)
    with open_display(display) as reader:
        jobs = [
            FrameJob(f.path, reader.file(f.path).fragments_of(0), reader.form(f.path), 1.0, 0.0, i)
            for i, f in enumerate(display.frames)
        ]
    volume = SharedVolume(stored.shape, np.dtype(np.int16))
    monkeypatch.setenv("MEDBENCH_DECODER_FAULT", f"{fault}:s004.dcm")
    with DecoderPool(1, deadline_s=1.0) as pool:
        placed = pool.decode_into(volume, jobs)
    assert [bool(p.error) for p in placed] == [i == 4 for i in range(9)]
    assert pool.deaths == 2
    kept = [i for i in range(9) if i != 4]
    np.testing.assert_array_equal(volume.array[kept], stored[kept])


def test_a_frozen_decoder_does_not_block_a_long_request(write, stored, monkeypatch):
    """Its socket is full before the request is written: no answer is waited for then."""
    monkeypatch.setattr(decoder_pool, "WIRE_DEADLINE_S", 1)
    folder = write_stack(write, stored, RLE)
    path = folder / "s000.dcm"
    _, form = frame_of(path)
    with DecoderPool(1) as pool:
        pool.warm(wait=True)
        (child,) = psutil.Process().children()
        child.suspend()
        begin = time.monotonic()
        with pytest.raises(DecodeError):  # the second decoder says that the ranges are too long
            pool.decode(path, [(0, 1 << 20)] * 200_000, form)
        assert time.monotonic() - begin < 20
        assert pool.deaths >= 1
        np.testing.assert_array_equal(pool.decode(path, *frame_of(path)), stored[0])


def test_a_broken_frame_is_said_and_the_others_stay(write, pool, stored):
    folder = write_stack(write, stored, RLE)
    path = folder / "s002.dcm"
    raw = bytearray(path.read_bytes())
    at = raw.rindex((2).to_bytes(4, "little") + (64).to_bytes(4, "little"))
    raw[at] = 3
    path.write_bytes(raw)
    with open_display(opened(folder), pool) as reader:
        volume = reader.load()
    assert set(volume.failed) == {2}
    assert volume.failed[2].startswith("RLE")
    assert list(volume.ready) == [i != 2 for i in range(9)]
    assert not volume.voxels[2].any()


def test_a_shared_volume_cannot_be_cut():
    """Its size is sealed: a decoder that truncates it would end the app with SIGBUS."""
    if not shared.available():
        pytest.skip("no sealable anonymous files here")
    volume = SharedVolume((2, 64, 64), np.dtype(np.uint16))
    with pytest.raises(PermissionError):
        os.ftruncate(volume.fd, 10)
    volume.close()
    assert not volume.usable
    volume.array[1] = 7
    assert volume.array.sum() == 7 * 64 * 64


class Eye:
    """An order callback that jumps once."""

    def __init__(self, target):
        self.target, self.jumped = target, threading.Event()

    def __call__(self) -> Iterable[int]:
        return (self.target,) if self.jumped.is_set() else ()


def test_a_jump_is_served_next(write, stored):
    many = np.concatenate([stored] * 6)
    folder = write_stack(write, many, JPEG_2000)
    eye, seen = Eye(50), []

    def on_slice(index, _error):
        seen.append(index)
        eye.jumped.set()

    with DecoderPool(1) as one, open_display(opened(folder), one) as reader:
        reader.load(first=0, on_slice=on_slice, order=eye)
    assert seen[:2] == [0, 50]
    assert sorted(seen) == list(range(54))


def test_pending_slices_follow_the_eye():
    wishes = [()]
    pending = PendingSlices(20, 0, lambda: wishes[0])
    assert pending.take_some(3) == [0, 1, 2]
    wishes[0] = (15,)
    assert pending.take_some(4) == [15, 14, 16, 13]
    wishes[0] = (5,)  # the jump to 15 is forgotten with its neighbours
    assert pending.take_some(3) == [5, 4, 6]
    wishes[0] = (1, 18)
    assert pending.take() == 18
    rest = []
    while (index := pending.take()) is not None:
        rest.append(index)
    assert rest[0] == 3
    assert sorted(rest) == [3, 7, 8, 9, 10, 11, 12, 17, 19]


@pytest.mark.parametrize(
    ("stored", "line", "cells", "wanted"),
    [
        (np.array([[0, 4095]], np.uint16), (1, -1024), np.int16, [[-1024, 3071]]),
        (np.array([[0, 40000]], np.uint16), (1, -32768), np.int16, [[-32768, 7232]]),
        (np.array([[-5, 7]], np.int16), (1, 5), np.uint16, [[0, 12]]),
        (np.array([[0, 65535]], np.uint16), (1, 0), np.int32, [[0, 65535]]),
        (np.array([[0, 40000]], np.uint16), (1, 0), np.int16, None),
        (np.array([[1, 2]], np.int16), (0.5, 0), np.int16, None),
        (np.array([[1, 2]], np.int16), (1, 40000), np.int16, None),
        (np.array([[1, 2]], np.int16), (1, -2), np.float32, [[-1, 0]]),
        (np.array([[1, 2]], np.int16), (0.5, 1), np.float32, [[1.5, 2]]),
    ],
)
def test_values_are_fitted_or_refused_never_clipped(stored, line, cells, wanted):
    found = fitted(stored, Rescale(*map(float, line)), np.dtype(cells))
    if wanted is None:
        assert found is None
    else:
        assert found.dtype == cells
        np.testing.assert_array_equal(found, wanted)
