"""Traps T39 to T41: colour samples, palettes, shutters."""

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_color_lut
from pydicom.uid import ExplicitVRLittleEndian

from medbench.base.errors import BadInputError
from medbench.dicom.palette import apply_palette, palette_tables
from medbench.dicom.reader import find_display, open_display
from medbench.dicom.scan import scan
from medbench.dicom.shutter import read_shutter
from medbench.imaging.presentation import compose
from medbench.imaging.window import display_frame


def opened(path):
    result = scan([path])
    assert result.studies, result.skipped
    display = find_display(
        [d for s in result.studies for series in s.series for d in series.displays], None
    )
    with open_display(display) as reader:
        return reader.read(0), reader.info(0)


def test_T39_colour_is_unsigned(write):
    pixels = np.full((2, 2, 3), 200, np.uint8)
    values, _ = opened(write("a.dcm", pixels, PixelRepresentation=1))
    assert values.dtype == np.uint8
    assert int(values[0, 0, 0]) == 200


def palette(entries, data, bits=16):
    ds = Dataset()
    for name, channel in zip(("Red", "Green", "Blue"), data, strict=True):
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [entries, 0, bits])
        setattr(ds, f"{name}PaletteColorLookupTableData", channel)
    return ds


def test_T40_palette_entries_by_their_high_byte():
    tables = [np.array([v, 65280], "<u2").tobytes() for v in (6656, 59136, 36096)]
    first, table = palette_tables(palette(2, tables))
    shown = apply_palette(np.array([[0, 1, 9]]), first, table)
    assert shown[0].tolist() == [[26, 231, 141], [255, 255, 255], [255, 255, 255]]
    wrong_bits = palette_tables(palette(2, tables, bits=8))[1]
    assert np.array_equal(wrong_bits, table)


def test_T40_zero_entries_are_65536():
    column = (np.arange(65536) & 0xFF00).astype("<u2").tobytes()
    first, table = palette_tables(palette(0, [column] * 3))
    assert first == 0
    assert table.shape == (65536, 3)
    assert table[65535, 0] == 255


def segmented(values, entries):
    ds = Dataset()
    for name in ("Red", "Green", "Blue"):
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [entries, 0, 16])
        data = np.array(values, "<u2").tobytes()
        setattr(ds, f"Segmented{name}PaletteColorLookupTableData", data)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def test_T40_segmented_tables_are_expanded_as_pydicom_does():
    # a run, a straight line, and both again by reference to byte 0
    values = [0, 2, 0, 256, 1, 100, 65280, 2, 2, 0, 0]
    ds = segmented(values, 204)
    _, table = palette_tables(ds)
    index = np.arange(204).reshape(1, 204)
    theirs = apply_color_lut(index.astype(np.uint16), ds) >> 8
    assert np.abs(table[index].astype(int) - theirs).max() <= 1
    assert table[101, 0] == 255
    assert np.array_equal(table[:102], table[102:])


def test_T40_a_segmented_table_that_repeats_itself_for_ever_is_refused():
    values = [1, 60000, 5, 2, 65535, 0, 0]
    with pytest.raises(BadInputError, match="damaged"):
        palette_tables(segmented([0, 1, 7, *values], 0))


@pytest.mark.parametrize("polarity", ["MONOCHROME2", "MONOCHROME1"])
def test_T41_the_shutter_hides_what_is_outside(write, polarity):
    path = write(
        "a.dcm", np.full((10, 10), 200, np.uint8), ShutterShape="RECTANGULAR",
        ShutterLeftVerticalEdge=3, ShutterRightVerticalEdge=8, ShutterUpperHorizontalEdge=3,
        ShutterLowerHorizontalEdge=8, ShutterPresentationValue=0, WindowCenter=128,
        WindowWidth=256, PhotometricInterpretation=polarity,
    )  # fmt: skip
    values, info = opened(path)
    shown = compose(values, info)
    plain = display_frame(values, info)
    assert shown[1, 1] == 0
    assert shown[5, 5] == plain[5, 5] != 0
    turned = compose(values, info, inverted=not info.inverted)
    assert turned[1, 1] == 0
    assert turned[5, 5] == 255 - shown[5, 5]
    assert int((shown == 0).sum()) == 100 - 36


def test_T41_round_and_polygonal_shutters(write):
    path = write("a.dcm", np.full((11, 11), 200, np.uint8), ShutterShape="CIRCULAR",
                 CenterOfCircularShutter=[6, 6], RadiusOfCircularShutter=3)  # fmt: skip
    hidden = opened(path)[1].shutter.hidden
    assert not hidden[5, 5]
    assert not hidden[2, 5]
    assert hidden[1, 5]
    path = write("b.dcm", np.full((11, 11), 200, np.uint8), ShutterShape="POLYGONAL",
                 VerticesOfThePolygonalShutter=[2, 2, 2, 10, 10, 10, 10, 2])  # fmt: skip
    hidden = opened(path)[1].shutter.hidden
    assert not hidden[5, 5]
    assert hidden[0, 0]
    assert hidden[10, 5]


def test_T41_a_bitmap_shutter_hides_ones():
    ds = Dataset()
    ds.ShutterShape = "BITMAP"
    ds.ShutterOverlayGroup = 0x6000
    ds.ShutterPresentationValue = 65535
    for element, vr, value in ((0x10, "US", 2), (0x11, "US", 4), (0x50, "SS", [1, 1]),
                               (0x3000, "OW", bytes([0b00010010, 0]))):  # fmt: skip
        ds.add_new(0x60000000 | element, vr, value)
    shutter = read_shutter(ds, 2, 4)
    assert np.argwhere(shutter.hidden).tolist() == [[0, 1], [1, 0]]
    assert shutter.grey == 255
