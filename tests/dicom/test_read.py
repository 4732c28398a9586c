import hashlib
import time

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from medbench.base.errors import DecodeError, MedbenchError
from medbench.cohorts.reading import read_dicom_frame
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.guard import read_header
from medbench.dicom.reader import open_display
from medbench.dicom.scan import scan
from medbench.domain.image import DisplayKind, VoiLut, VoiWindow


def displays(*paths):
    found = scan(paths)
    return [d for s in found.studies for series in s.series for d in series.displays]


def only(path):
    (display,) = displays(path)
    return display


def test_rescale_gives_modality_values(write, ramp):
    path = write("a.dcm", ramp, RescaleSlope="2", RescaleIntercept="-1000")
    with open_display(only(path)) as reader:
        assert np.array_equal(reader.read(0), ramp.astype(int) * 2 - 1000)


@pytest.mark.parametrize("value", [-1024, -1, 0, 1023])
def test_signed_values_below_the_allocated_bits(write, value):
    stored = np.full((4, 4), value & 0xFFF, np.uint16)
    path = write("s.dcm", stored, BitsStored=12, HighBit=11, PixelRepresentation=1)
    with open_display(only(path)) as reader:
        expected = value - 4096 if value > 2047 else value
        assert (reader.read(0) == expected).all()


def test_slices_are_sorted_by_position_not_by_number_or_name(write, ramp):
    for i, z in enumerate((30.0, 10.0, 40.0, 20.0)):
        write(
            f"{i}.dcm", ramp + i * 300, ImagePositionPatient=[0, 0, z], InstanceNumber=i + 1,
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[1, 1],
        )  # fmt: skip
    display = only(write("x.dcm", ramp + 9000, ImagePositionPatient=[0, 0, 0.0], InstanceNumber=99,
                         ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
                         PixelSpacing=[1, 1]).parent)  # fmt: skip
    assert display.kind is DisplayKind.VOLUME
    assert display.geometry.spacing_mm == (10, 1, 1)
    with open_display(display) as reader:
        volume = reader.load()
    assert volume.voxels[:, 0, 0].tolist() == [8950, 250, 850, -50, 550]


def test_a_missing_slice_and_uneven_spacing_are_told(write, ramp):
    for z in (0, 5, 10, 20, 25):
        write(
            f"{z}.dcm", ramp, ImagePositionPatient=[0, 0, z], InstanceNumber=z,
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[1, 1],
        )  # fmt: skip
    display = only(write("e.dcm", ramp, ImagePositionPatient=[0, 0, 30], InstanceNumber=77,
                         ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
                         PixelSpacing=[1, 1]).parent)  # fmt: skip
    assert list(display.geometry.missing_slices) == [2]
    assert not display.geometry.uniform


def test_vois_of_the_file(write, ramp):
    path = write(
        "v.dcm", ramp, WindowCenter=[40, 300], WindowWidth=[400, 1500],
        VOILUTFunction="SIGMOID",
    )  # fmt: skip
    with open_display(only(path)) as reader:
        first, second = reader.info(0).vois[:2]
    assert isinstance(first, VoiWindow)
    assert (first.center, first.width, first.function.value) == (40, 400, "SIGMOID")
    assert (second.center, second.width) == (300, 1500)


def test_voi_lut_sequence(write, ramp):
    item = pydicom.Dataset()
    item.LUTDescriptor = [4, 0, 8]
    item.LUTData = bytes([0, 80, 160, 255])
    path = write("l.dcm", ramp, VOILUTSequence=pydicom.Sequence([item]))
    with open_display(only(path)) as reader:
        lut = reader.info(0).vois[0]
    assert isinstance(lut, VoiLut)
    assert lut.data.tolist() == [0, 80, 160, 255]


def test_monochrome1_is_dense_bright_for_models(write, ramp):
    one = write("m1.dcm", ramp, PhotometricInterpretation="MONOCHROME1")
    with open_display(only(one)) as reader:
        assert reader.info(0).inverted
    values = read_dicom_frame(one)
    assert values[0, 0] == ramp.max()
    assert values[-1, -1] == ramp.min()


def test_colour_stays_colour(write):
    picture = np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    display = only(write("c.dcm", picture))
    assert display.colour
    with open_display(display) as reader:
        assert np.array_equal(reader.read(0), picture)


@pytest.mark.parametrize("cut", [1, 100, 300])
def test_a_cut_file_is_never_shown_as_whole(write, ramp, cut):
    path = write("t.dcm", ramp)
    path.write_bytes(path.read_bytes()[:-cut])
    found = scan([path])
    shown = [d for s in found.studies for series in s.series for d in series.displays]
    if not shown:
        assert "incomplete" in found.skipped[0].reason or found.skipped[0].reason
        return
    with open_display(shown[0]) as reader, pytest.raises(MedbenchError):
        reader.read(0)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("text.dcm", b"this is no picture\n" * 50),
        ("empty.dcm", b""),
        ("short.dcm", b"\0" * 128 + b"DICM"),
        ("noise.dcm", bytes(range(256)) * 20),
        ("bomb.dcm", b"\0" * 128 + b"DICM" + b"\x02\x00\x10\x00UI\xff\xff" + b"\0" * 40),
    ],
)
def test_hostile_files_are_skipped_with_a_reason(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    found = scan([path])
    assert found.studies == ()
    assert found.skipped[0].path == path
    assert len(found.skipped[0].reason) > 5
    with pytest.raises(MedbenchError):
        read_header(path)


def test_random_damage_never_raises_anything_else(write, ramp):
    path = write("d.dcm", ramp, WindowCenter=40, WindowWidth=400, PatientComments="x" * 60)
    whole = path.read_bytes()
    dice = np.random.default_rng(7)
    for _ in range(300):
        data = bytearray(whole)
        for at in dice.integers(132, len(data), dice.integers(1, 6)):
            data[at] = dice.integers(0, 256)
        path.write_bytes(bytes(data))
        for display in displays(path):
            with open_display(display) as reader:
                try:
                    reader.read(0)
                except MedbenchError:
                    continue


def jpeg_file(write):
    from io import BytesIO

    from PIL import Image

    picture = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (16, 1))
    stream = BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=95)
    return write("j.dcm", picture, JPEGBaseline8Bit, encapsulate([stream.getvalue()])), picture


def test_compressed_frames_are_decoded_elsewhere(write):
    path, picture = jpeg_file(write)
    with DecoderPool(1) as pool, open_display(only(path), pool) as reader:
        assert np.abs(reader.read(0).astype(int) - picture).max() <= 4


@pytest.mark.parametrize("fault", ["crash", "hang"])
def test_a_decoder_that_dies_or_hangs_costs_one_tile(write, monkeypatch, fault):
    path, _ = jpeg_file(write)
    monkeypatch.setenv("MEDBENCH_DECODER_FAULT", f"{fault}:j.dcm")
    begin = time.monotonic()
    with DecoderPool(1, deadline_s=1.0) as pool, open_display(only(path), pool) as reader:
        volume = reader.load()
        assert 0 in volume.failed
        assert not volume.ready[0]
        monkeypatch.delenv("MEDBENCH_DECODER_FAULT")
    assert time.monotonic() - begin < 20
    with DecoderPool(1) as pool, open_display(only(path), pool) as reader:
        assert reader.read(0).shape == (16, 24)


def test_a_damaged_stream_is_a_decode_error(write):
    path, _ = jpeg_file(write)
    data = path.read_bytes()
    at = data.index(b"\xff\xd8\xff")
    path.write_bytes(data[: at + 20] + b"\0" * (len(data) - at - 28) + data[-8:])
    display = only(path)
    with (
        DecoderPool(1) as pool,
        open_display(display, pool) as reader,
        pytest.raises(DecodeError),
    ):
        reader.read(0)


def test_real_series_geometry_against_simpleitk(real_data):
    import SimpleITK

    folder = real_data / "dicom_series" / "mr_ge_pioneer_mprage"
    display = max(displays(folder), key=lambda d: d.slices)
    with open_display(display) as reader:
        volume = reader.load()
    reader = SimpleITK.ImageSeriesReader()
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    expected = SimpleITK.GetArrayFromImage(image)
    if not np.array_equal(volume.voxels[0], expected[0]):
        expected = expected[::-1]
    assert np.array_equal(volume.voxels, expected)
    assert volume.geometry.spacing_mm[::-1] == pytest.approx(image.GetSpacing(), rel=1e-3)


def test_same_bytes_same_samples(tmp_path):
    from medbench.samples.thorax import write_thorax_ct

    digests = []
    for name in ("a", "b"):
        files = write_thorax_ct(tmp_path / name, slices=6, size=64)
        digests.append([hashlib.sha256(f.read_bytes()).hexdigest() for f in files])
    assert digests[0] == digests[1]
    (study,) = scan([tmp_path / "a"]).studies
    assert study.simulated
    assert study.series[0].displays[0].reformattable
