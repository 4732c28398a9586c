"""The quick part of the header walk keeps what the full walk keeps, and refuses nothing itself."""

import struct

import numpy as np
import pytest

from medbench.dicom import guard
from medbench.dicom.guard import read_header
from medbench.dicom.skim import HEADS, skim


def element(tag, vr, value, order="<"):
    return struct.pack(order + "HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


HEAD = HEADS[True]


def test_it_keeps_rising_short_elements_and_stops_at_the_first_other():
    plain = element(0x00080005, b"CS", b"ISO_IR 6") + element(0x00100010, b"PN", b"A^B ")
    values: dict[int, bytes] = {}
    long = struct.pack("<HH2sHI", 0x0020, 0x4000, b"OB", 0, 4) + b"1234"
    end, previous = skim(plain + long, 0, -1, values, HEAD)
    assert (end, previous) == (len(plain), 0x00100010)
    assert values == {0x00080005: b"ISO_IR 6", 0x00100010: b"A^B "}


@pytest.mark.parametrize(
    "stop",
    [
        element(0x00080005, b"CS", b"AB"),  # does not rise
        element(0x00200010, b"??", b"AB"),  # no value representation
        element(0x7FE00010, b"US", b"AB"),  # pixel data
        element(0xFFFEE000, b"US", b"AB"),  # an item
        element(0x00200010, b"SH", b"ABCD")[:-2],  # cut in its value
        element(0x00200010, b"SH", b"")[:-1],  # cut in its head
    ],
)
def test_it_leaves_anything_else_to_the_walk(stop):
    values: dict[int, bytes] = {}
    start = element(0x00080016, b"UI", b"1.2\0")
    assert skim(start + stop, 0, -1, values, HEAD) == (len(start), 0x00080016)
    assert list(values) == [0x00080016]


def test_big_endian_heads():
    values: dict[int, bytes] = {}
    data = element(0x00280010, b"US", b"\0\x10", ">")
    assert skim(data, 0, -1, values, HEADS[False]) == (len(data), 0x00280010)


def test_the_walk_finds_the_same_with_and_without_it(write, monkeypatch):
    path = write("a.dcm", np.zeros((8, 8), np.int16), WindowCenter="40", ImageComments="x" * 300)
    quick = read_header(path)
    monkeypatch.setattr(guard, "skim", lambda _data, position, previous, *_: (position, previous))
    slow = read_header(path)
    assert len(quick.values) > 15
    assert quick == slow
