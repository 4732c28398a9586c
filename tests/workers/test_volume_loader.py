"""The loader follows the reader's eye: the slice that is looked at comes next."""

import threading
import time

import pytest

from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.reader import DisplayReader
from medbench.dicom.scan import scan
from medbench.samples.series import write_uniform_series
from medbench.workers.volume_loader import VolumeLoader

SLICES = 60


@pytest.fixture
def display(tmp_path):
    write_uniform_series(tmp_path, (SLICES, 16, 16))
    return scan([tmp_path]).studies[0].series[0].displays[0]


def until(qapp, ready, limit_s=20.0):
    end = time.monotonic() + limit_s
    while not ready() and time.monotonic() < end:
        qapp.processEvents()
        time.sleep(0.002)
    assert ready()


def test_a_new_focus_is_read_next(qapp, display, monkeypatch):
    """Slices are held back one by one, so that the order is known, not timed."""
    begun, allowed = [], threading.Semaphore(0)
    load = DisplayReader.load

    def slowly(self, **options):
        told = options["on_slice"]

        def on_slice(index, error):
            begun.append(index)
            told(index, error)
            allowed.acquire()

        return load(self, **{**options, "on_slice": on_slice, "threads": 1})

    monkeypatch.setattr(DisplayReader, "load", slowly)
    loaded = []
    with DecoderPool(1) as pool:
        loader = VolumeLoader(pool)
        loader.loaded.connect(lambda _display, volume: loaded.append(volume))
        loader.load(display, 10)
        until(qapp, lambda: begun == [10])
        loader.focus(50)
        allowed.release()
        until(qapp, lambda: len(begun) == 2)
        loader.focus(30)  # 51 and 49 were never queued
        for _ in range(2 * SLICES):
            allowed.release()
        until(qapp, lambda: loaded)
        assert begun[:6] == [10, 50, 30, 29, 31, 28]
        assert sorted(begun) == list(range(SLICES))
        assert loaded[0].ready.all()
        loader.close()


def test_a_newer_display_drops_the_older(qapp, display):
    loaded = []
    with DecoderPool(1) as pool:
        loader = VolumeLoader(pool)
        loader.loaded.connect(lambda shown, _volume: loaded.append(shown))
        loader.focus(3)  # nothing loads: nothing happens
        loader.load(display)
        loader.load(display, 5)
        until(qapp, lambda: loaded)
        time.sleep(0.05)
        qapp.processEvents()
        assert loaded == [display]
        loader.close()
