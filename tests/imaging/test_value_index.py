"""The kept index of a picture gives the same grey as computing it anew."""

import numpy as np
import pytest

from medbench.domain.image import FrameInfo, VoiFunction, VoiLut, VoiWindow
from medbench.imaging.window import ValueIndex, apply_voi, display_frame

WINDOWS = [
    VoiWindow(40, 400),
    VoiWindow(-600, 1),
    VoiWindow(10, 90, VoiFunction.LINEAR_EXACT),
    VoiWindow(0, 800, VoiFunction.SIGMOID),
    VoiLut(-20, np.arange(0, 256, 4, dtype=np.uint16), 8),
]


@pytest.mark.parametrize("voi", WINDOWS)
@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.uint8])
def test_it_equals_apply_voi(voi, dtype):
    limits = np.iinfo(dtype)
    low, high = max(-1200, limits.min), min(3000, limits.max)
    values = np.random.default_rng(1).integers(low, high + 1, (70, 90)).astype(dtype)
    index = ValueIndex(values)
    for inverted in (False, True):
        wanted = apply_voi(values, voi, inverted=inverted)
        np.testing.assert_array_equal(index.grey(voi, inverted=inverted), wanted)


def test_padding_stays_black():
    values = np.arange(-3000, 3000, dtype=np.int16).reshape(60, 100)
    info = FrameInfo(padding=(-3000.0, -2000.0), inverted=True)
    plain = display_frame(values, info, VoiWindow(0, 1000))
    kept = display_frame(values, info, VoiWindow(0, 1000), index=ValueIndex(values))
    np.testing.assert_array_equal(plain, kept)
    assert not kept[:10].any()


def test_it_is_made_where_it_pays():
    assert ValueIndex.fits(np.zeros((64, 64), np.int16))
    assert not ValueIndex.fits(np.zeros((64, 64), np.float32))
    assert not ValueIndex.fits(np.zeros((64, 64), np.int32))
    assert not ValueIndex.fits(np.zeros((8, 8), np.int16))
    assert not ValueIndex.fits(np.zeros((3000, 4000), np.uint8))


def test_memory_is_used_again_only_when_nobody_holds_it():
    values = np.arange(64 * 64, dtype=np.int16).reshape(64, 64)
    index = ValueIndex(values)
    wide, narrow = VoiWindow(2048, 4096), VoiWindow(100, 50)
    first = index.grey(wide)
    kept = first.copy()
    view = first[::2]
    del first
    others = [index.grey(narrow) for _ in range(4)]
    np.testing.assert_array_equal(view, kept[::2])
    for other in others:
        np.testing.assert_array_equal(other, apply_voi(values, narrow))
    addresses = set()
    for _ in range(6):
        grey = index.grey(wide)
        addresses.add(grey.ctypes.data)
        del grey
    assert len(addresses) == 1
