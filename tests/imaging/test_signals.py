"""Filters against their frequency response, and decimation that loses no spike."""

import numpy as np
import pytest
from scipy import signal

from medbench.imaging.signals import (
    SignalFilter,
    envelope,
    filter_sections,
    filtered,
    min_max,
    round_step,
    typical_range,
)


def gain(chosen, sampling_hz, hertz):
    """Of both passes together."""
    _, response = signal.freqz_sos(filter_sections(chosen, sampling_hz), [hertz], fs=sampling_hz)
    return float(np.abs(response[0]) ** 2)


def measured(chosen, sampling_hz, hertz, seconds=60.0):
    """Amplitude of a sine after the filter, away from the ends; and its delay in samples."""
    time = np.arange(int(seconds * sampling_hz)) / sampling_hz
    sine = np.sin(2 * np.pi * hertz * time)
    out = filtered(sine, sampling_hz, chosen)
    inner = slice(len(sine) // 3, 2 * len(sine) // 3)
    cosine = np.cos(2 * np.pi * hertz * time)
    a, b = (2 * np.mean(out[inner] * wave[inner]) for wave in (sine, cosine))
    return np.hypot(a, b), np.arctan2(b, a)


@pytest.mark.parametrize("sampling_hz", [250.0, 360.0, 1000.0])
@pytest.mark.parametrize("hertz", [0.05, 0.5])
def test_high_pass_is_at_minus_3_db(sampling_hz, hertz):
    chosen = SignalFilter(low_hz=hertz)
    assert gain(chosen, sampling_hz, hertz) == pytest.approx(np.sqrt(0.5), rel=1e-4)
    assert gain(chosen, sampling_hz, hertz * 10) > 0.999
    assert gain(chosen, sampling_hz, hertz / 10) < 0.001


@pytest.mark.parametrize("sampling_hz", [360.0, 500.0, 1000.0])
@pytest.mark.parametrize("hertz", [40.0, 100.0, 150.0])
def test_low_pass_is_at_minus_3_db(sampling_hz, hertz):
    chosen = SignalFilter(high_hz=hertz)
    assert gain(chosen, sampling_hz, hertz) == pytest.approx(np.sqrt(0.5), rel=1e-6)
    assert gain(chosen, sampling_hz, hertz / 10) > 0.999


@pytest.mark.parametrize("hertz", [50.0, 60.0])
def test_notch_takes_the_mains_only(hertz):
    chosen = SignalFilter(notch_hz=hertz)
    assert gain(chosen, 500.0, hertz) < 1e-8
    assert gain(chosen, 500.0, hertz - 5) > 0.95
    assert gain(chosen, 500.0, hertz + 5) > 0.95
    assert gain(chosen, 500.0, hertz + hertz / 60) == pytest.approx(np.sqrt(0.5), abs=0.01)


@pytest.mark.parametrize("hertz", [0.5, 3.0, 25.0, 40.0, 48.0, 70.0])
def test_the_signal_gets_what_the_response_says(hertz):
    chosen = SignalFilter(0.5, 40.0, 50.0)
    amplitude, phase = measured(chosen, 500.0, hertz)
    assert amplitude == pytest.approx(gain(chosen, 500.0, hertz), abs=2e-4)
    if amplitude > 0.01:
        assert abs(phase) < 1e-3  # nothing is delayed


def test_a_window_with_its_margin_equals_the_whole():
    rng = np.random.default_rng(3)
    record = np.cumsum(rng.normal(size=100_000)) * 0.01
    chosen = SignalFilter(0.5, 40.0, 50.0)
    whole = filtered(record, 250.0, chosen)
    edge = int(chosen.margin_s() * 250)
    part = filtered(record[50_000 - edge : 52_500 + edge], 250.0, chosen)
    error = np.abs(part[edge : edge + 2500] - whole[50_000:52_500]).max()
    assert error < 0.02 * np.ptp(whole[50_000:52_500])


def test_gaps_stay_gaps():
    time = np.arange(5000) / 500
    record = np.stack([np.sin(2 * np.pi * 5 * time) + 3, np.full(5000, np.nan)]).astype(np.float32)
    record[0, 2000:2100] = np.nan
    record[0, :7] = np.nan
    out = filtered(record, 500.0, SignalFilter(0.5, 100.0, 50.0))
    np.testing.assert_array_equal(np.isnan(out), np.isnan(record))
    assert out.dtype == np.float32
    far = np.r_[1000:1600, 2600:4000]
    assert np.abs(out[0, far] - np.sin(2 * np.pi * 5 * time[far])).max() < 0.1


def test_no_filter_and_impossible_filters_change_nothing():
    record = np.random.default_rng(0).normal(size=(2, 300)).astype(np.float32)
    np.testing.assert_array_equal(filtered(record, 100.0, SignalFilter()), record)
    impossible = SignalFilter(high_hz=150.0, notch_hz=50.0)
    assert impossible.possible(100.0) == SignalFilter()
    np.testing.assert_array_equal(filtered(record, 100.0, impossible), record)
    assert SignalFilter(0.05, 150.0, 60.0).possible(360.0) == SignalFilter(0.05, 150.0, 60.0)
    assert not SignalFilter().active


def test_no_spike_is_lost():
    rng = np.random.default_rng(5)
    for step in (3, 7, 50):
        record = rng.normal(scale=0.01, size=10_007).astype(np.float32)
        spikes = rng.choice(10_007, 20, replace=False)
        record[spikes] = np.linspace(5, 9, 20) * np.where(np.arange(20) % 2, 1, -1)
        where, values = min_max(record, step)
        blocks = {}
        for spike in spikes:  # the tallest of each block and sign must survive
            blocks.setdefault((spike // step, record[spike] > 0), []).append(spike)
        for (_, up), members in blocks.items():
            tallest = max(members, key=lambda s: record[s] * (1 if up else -1))
            assert tallest in where
        np.testing.assert_array_equal(record[where.astype(int)], values)
        assert (np.diff(where) >= 0).all()
        assert len(values) == 2 * -(-10_007 // step)


def test_blocks_belong_to_the_record():
    record = np.sin(np.arange(5000) / 37).astype(np.float32)
    where, values = min_max(record, 10)
    inner, same = min_max(record[1003:3000], 10, first=1003)
    found = dict(zip(where, values, strict=True))
    inside = (inner >= 1010) & (inner < 2990)
    assert all(found[w] == v for w, v in zip(inner[inside], same[inside], strict=True))
    gap = record.copy()
    gap[100:200] = np.nan
    where, values = min_max(gap, 10)
    assert np.isnan(values[20:40]).all()
    assert np.isfinite(np.delete(values, np.s_[20:40])).all()


def test_overview_and_ranges():
    record = np.zeros(1_000_003, np.float32)
    record[777_777] = 4.0
    record[:1000] = np.nan
    found = envelope(record, 1000)
    assert found.shape == (2, 1000)
    assert np.nanmax(found) == 4.0
    assert np.isnan(found[:, 0]).all()
    assert np.isfinite(found[:, 1:]).all()
    assert envelope(record[2000:2003], 10).shape == (2, 10)
    low, high = typical_range(np.r_[np.linspace(0, 100, 1001), np.nan])
    assert (low, high) == (pytest.approx(0.5), pytest.approx(99.5))
    assert typical_range(np.full(5, np.nan)) == (0.0, 0.0)
    assert [round_step(v) for v in (0.013, 1, 1.2, 4, 6, 0, np.nan)] == [
        0.02, 1, 2, 5, 10, 1, 1
    ]  # fmt: skip
