"""Beats, intervals and axis against annotations, a device's own numbers and simulated truth."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from medbench.cli.main import main
from medbench.dicom.waveform import read_waveforms
from medbench.domain.ecg_marks import Fiducials
from medbench.domain.objects import Channel, Waveform
from medbench.formats.wfdb import read_wfdb
from medbench.imaging.ecg_beats import ecg_channels, find_beats
from medbench.imaging.ecg_intervals import REASONS, analyse, values_of
from medbench.imaging.ecg_points import agreed
from medbench.samples.ecg import _DOWER, _WAVES, LEADS, simulate_ecg, write_ecg

LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")


def record(samples, names, rate, sex=""):
    channels = tuple(Channel(name, "mV") for name in names)
    return Waveform("rhythm", rate, channels, np.asarray(samples, np.float32),
                    annotations={"patient_sex": sex})  # fmt: skip


def numbers(found, points=None):
    return {value.name: value for value in values_of(found, points)}


def hump(time_s, begin, end, height):
    """A raised cosine: nothing before ``begin``, nothing after ``end``."""
    inside = (time_s > begin) & (time_s < end)
    return np.where(inside, height * np.sin(np.pi * (time_s - begin) / (end - begin)) ** 2, 0.0)


def built(rate, beats_s, angle_deg=45.0, p_mv=0.15, noise_mv=0.004, seconds=None, seed=0):
    """Six limb leads of a heart vector at one angle; PR 160, QRS 90, QT 380 ms exactly."""
    random = np.random.default_rng(seed)
    seconds = seconds or beats_s[-1] + 1.0
    time_s = np.arange(round(seconds * rate)) / rate
    beat = np.zeros_like(time_s)
    for onset in beats_s:  # of the QRS complex
        beat += hump(time_s, onset - 0.160, onset - 0.060, p_mv)
        beat += hump(time_s, onset, onset + 0.030, -0.15) + hump(
            time_s, onset + 0.02, onset + 0.070, 1.2
        )
        beat += hump(time_s, onset + 0.055, onset + 0.090, -0.25)
        beat += hump(time_s, onset + 0.200, onset + 0.380, 0.35)
    angles = {"I": 0, "II": 60, "III": 120, "aVR": -150, "aVL": -30, "aVF": 90}
    leads = []
    for name in LIMB:
        size = np.sqrt(3) / 2 if name.startswith("aV") else 1.0  # Goldberger's leads see less
        leads.append(beat * size * np.cos(np.radians(angle_deg - angles[name])))
    wander = 0.1 * np.sin(2 * np.pi * 0.2 * time_s)
    return np.asarray(leads) + wander + random.normal(0, noise_mv, (6, len(time_s)))


@pytest.mark.parametrize(("rate", "heart_s"), [(1000.0, 1.0), (500.0, 0.8), (250.0, 0.6)])
def test_intervals_of_waves_with_known_ends(rate, heart_s):
    onsets = np.arange(0.5, 20, heart_s)
    found = analyse(record(built(rate, onsets, 52.0), LIMB, rate, "F"))
    got = numbers(found)
    assert len(found.beats.samples) == len(onsets)
    assert np.abs(found.beats.seconds - onsets - 0.045).max() < 0.012  # the peak of R
    assert got["rate"].value == pytest.approx(60 / heart_s, rel=0.01)
    assert got["pr"].value == pytest.approx(160, abs=14)
    assert got["qrs"].value == pytest.approx(90, abs=10)
    assert got["qt"].value == pytest.approx(380, abs=14)
    qt = got["qt"].value
    assert got["qtc_fridericia"].value == pytest.approx(qt / np.cbrt(heart_s), rel=0.005)
    assert got["qtc_bazett"].value == pytest.approx(qt / np.sqrt(heart_s), rel=0.005)
    assert got["axis"].value == pytest.approx(52, abs=2)
    assert got["qtc_fridericia"].high == 460
    assert found.quality == "ok"


@pytest.mark.parametrize("angle", [-150.0, -81.0, -20.0, 0.0, 60.0, 110.0, 175.0])
def test_axis_of_a_vector_at_a_known_angle(angle):
    found = analyse(record(built(500.0, np.arange(0.5, 9, 0.8), angle), LIMB, 500.0))
    got = numbers(found)["axis"]
    assert got.value == pytest.approx(angle, abs=2)
    assert got.side == (-1 if angle < -30 else 1 if angle > 90 else 0)
    # without aVF it follows from II
    two = analyse(record(built(500.0, np.arange(0.5, 9, 0.8), angle)[:2], LIMB[:2], 500.0))
    assert numbers(two)["axis"].value == pytest.approx(angle, abs=4)


def test_simulated_sample_against_its_model_without_noise():
    """Truth: where the model's deflection leaves 20 microvolt in some lead, waves alone."""
    time_s = np.arange(-0.4, 0.6, 0.001)

    def reach(waves):
        vector = sum(
            np.asarray(a)[:, None] * np.exp(-(((time_s - c) / w) ** 2) / 2) for a, c, w in waves
        )
        leads = np.stack([np.asarray(row) @ vector for row in _DOWER.values()])
        there = time_s[(np.abs(leads) > 0.02).any(axis=0)]
        return there[0], there[-1]

    p_on, _ = reach(_WAVES[:1])
    qrs_on, j = reach(_WAVES[1:4])
    _, t_end = reach(_WAVES[4:])
    for seed in (1, 2, 3):
        found = analyse(record(simulate_ecg(20, seed), LEADS, 500.0))
        got = numbers(found)
        assert got["pr"].value == pytest.approx(1000 * (qrs_on - p_on), abs=25)
        assert got["qrs"].value == pytest.approx(1000 * (j - qrs_on), abs=15)
        assert got["qt"].value == pytest.approx(1000 * (t_end - qrs_on), abs=25)
        assert got["rate"].value == pytest.approx(75, abs=2)


def test_fibrillation_has_no_pr_and_says_why():
    random = np.random.default_rng(4)
    onsets = np.cumsum(random.uniform(0.45, 1.1, 40)) + 0.3
    samples = built(500.0, onsets, p_mv=0.0)
    time_s = np.arange(samples.shape[1]) / 500.0
    samples += 0.05 * np.sin(2 * np.pi * 6.3 * time_s + 2 * np.sin(2 * np.pi * 0.31 * time_s))
    got = numbers(analyse(record(samples, LIMB, 500.0)))
    assert got["pr"].value is None
    assert got["pr"].reason == "no_p_irregular"
    assert got["qrs"].value == pytest.approx(90, abs=14)


def test_premature_wide_beats_stay_out_of_the_median():
    onsets = np.arange(0.5, 30, 0.8)
    samples = built(500.0, onsets)
    time_s = np.arange(samples.shape[1]) / 500.0
    for index in (10, 20, 30):  # after the beat, early, wide, the other way
        samples[:, :] -= hump(time_s, onsets[index] + 0.45, onsets[index] + 0.63, 1.5)
    found = analyse(record(samples, LIMB, 500.0))
    assert len(found.beats.samples) == len(onsets) + 3
    assert len(onsets) - 8 <= found.median.beats <= len(onsets) - 3
    assert numbers(found)["qrs"].value == pytest.approx(90, abs=10)


def test_quality_names_the_lead():
    onsets = np.arange(0.5, 15, 0.8)
    samples = built(500.0, onsets)
    samples[2] = 0.003
    samples[4] += np.random.default_rng(1).normal(0, 0.2, samples.shape[1])
    found = analyse(record(samples, LIMB, 500.0))
    assert {s.name: s.state for s in found.leads} == {
        "I": "ok", "II": "ok", "III": "flat", "aVR": "ok", "aVL": "noisy", "aVF": "ok"
    }  # fmt: skip
    assert found.quality == "lead"
    assert len(found.beats.samples) == len(onsets)


def test_nothing_is_made_up():
    flat = analyse(record(np.zeros((6, 5000)), LIMB, 500.0))
    assert flat.quality == "no_lead"
    assert {v.reason for v in values_of(flat)} == {"no_lead"}
    noise = analyse(record(np.full((1, 300), np.nan), ("II",), 500.0))
    assert noise.quality == "no_lead"
    one = analyse(record(built(500.0, [0.6])[:, :700], LIMB, 500.0))
    assert all(v.value is None and v.reason in REASONS for v in values_of(one))
    alone = analyse(record(built(500.0, np.arange(0.5, 9, 0.8))[1:2], ("II",), 500.0))
    assert numbers(alone)["axis"].value is None
    assert numbers(alone)["axis"].reason == "no_limb_leads"
    assert numbers(alone)["qrs"].value == pytest.approx(90, abs=12)
    pressure = Waveform("", 125.0, (Channel("ABP", "mmHg"),), np.zeros((1, 999), np.float32))
    assert analyse(pressure).channels == ()
    assert analyse(pressure).quality == "no_lead"


@pytest.mark.parametrize(("noise_mv", "hum_mv"), [(0.0, 0.05), (0.05, 0.0), (0.05, 0.05)])
def test_noise_and_mains_do_not_move_the_numbers(noise_mv, hum_mv):
    clean = numbers(analyse(record(simulate_ecg(10, 3), LEADS, 500.0)))
    samples = simulate_ecg(10, 3)
    time_s = np.arange(samples.shape[1]) / 500.0
    samples += np.random.default_rng(0).normal(0, noise_mv, samples.shape)
    samples += hum_mv * np.sin(2 * np.pi * 50 * time_s)
    got = numbers(analyse(record(samples, LEADS, 500.0)))
    for name, within in (("rate", 1), ("pr", 18), ("qrs", 10), ("qt", 12), ("axis", 6)):
        assert got[name].value == pytest.approx(clean[name].value, abs=within), name


def test_what_noise_hides_is_not_measured():
    random = np.random.default_rng(0)
    loud = simulate_ecg(10, 3)
    loud += random.normal(0, 0.2, loud.shape)
    got = numbers(analyse(record(loud, LEADS, 500.0)))
    assert got["rate"].value == pytest.approx(75, abs=2)
    assert {got[name].reason for name in ("pr", "qrs", "qt", "axis")} == {"noisy"}
    for leads in (12, 1):
        alone = analyse(record(random.normal(0, 0.1, (leads, 8000)), LEADS[:leads], 500.0))
        assert alone.quality == "no_beats"
        assert all(value.value is None for value in values_of(alone))


def test_gaps_are_bridged():
    onsets = np.arange(0.5, 20, 0.8)
    samples = built(500.0, onsets)
    samples[:, 2600:3300] = np.nan
    found = analyse(record(samples, LIMB, 500.0))
    hidden = (onsets > 5.1) & (onsets < 6.6)
    assert len(found.beats.samples) == len(onsets) - hidden.sum()
    assert numbers(found)["qrs"].value == pytest.approx(90, abs=10)


def test_numbers_follow_moved_points():
    found = analyse(record(built(500.0, np.arange(0.5, 9, 1.0)), LIMB, 500.0))
    moved = Fiducials(-0.2, -0.05, 0.05, 0.35)
    got = numbers(found, moved)
    assert got["pr"].value == pytest.approx(150)
    assert got["qrs"].value == pytest.approx(100)
    assert got["qt"].value == pytest.approx(400)
    assert got["qtc_bazett"].value == pytest.approx(400, rel=0.01)
    assert numbers(found, Fiducials(-0.01, -0.05, 0.05, 0.35))["pr"].reason == "order"


def test_leads_agree_on_the_earliest_that_others_confirm():
    places = [100.0, 110, 112, 113, 114, 130]
    assert agreed(places, 5, earliest=True) == 110
    assert agreed(places, 5, earliest=False) == 114
    assert agreed([], 5, earliest=True) is None
    assert agreed([10.0, 90.0], 5, earliest=True) == 10


def test_standard_leads_come_first():
    names = [*LEADS, "vx", "vy"]
    assert ecg_channels(names, ["mV"] * 14) == tuple(range(12))
    assert ecg_channels(["MLII", "V5", "ABP"], ["mV", "mV", "mmHg"]) == (0, 1)


def test_beats_of_a_holter_record_against_its_annotations(real_data):
    (waveform,) = read_wfdb(real_data / "ecg_wfdb" / "100.hea")
    true = np.asarray([second for second, text in waveform.marks if not text.startswith("+")])
    got = find_beats(waveform.samples, waveform.sampling_hz).seconds
    right = np.abs(true[:, None] - got[None]).min(axis=1) <= 0.075
    real = np.abs(true[:, None] - got[None]).min(axis=0) <= 0.075
    assert len(true) == 2273
    assert right.mean() >= 0.999
    assert real.mean() >= 0.999
    one = find_beats(waveform.samples[1:], waveform.sampling_hz).seconds  # V5 alone
    assert (np.abs(true[:, None] - one[None]).min(axis=1) <= 0.075).mean() >= 0.995


def test_a_real_record_near_what_was_read_by_eye(real_data):
    (waveform,) = read_wfdb(real_data / "ecg_wfdb" / "s0010_re.hea")
    found = analyse(waveform)
    got = numbers(found)
    assert len(found.beats.samples) == 52
    assert 50 <= found.median.beats <= 52
    assert got["rate"].value == pytest.approx(82, abs=1)
    assert got["pr"].value == pytest.approx(152, abs=15)
    assert got["qrs"].value == pytest.approx(138, abs=10)
    assert got["qt"].value == pytest.approx(418, abs=15)
    assert got["axis"].value == pytest.approx(-81, abs=20)
    assert (got["qrs"].side, got["axis"].side) == (1, -1)


def test_a_device_measured_the_same_record():
    path = Path(get_testdata_file("waveform_ecg.dcm", download=False))
    waveform = read_waveforms(path)[0]
    said = dict(text.split(": ") for text in waveform.texts if ": " in text)
    device = {name: float(value.split()[0]) for name, value in said.items()}
    got = numbers(analyse(waveform))
    assert 60_000 / got["rate"].value == pytest.approx(device["RR Interval"], abs=10)
    assert got["pr"].value == pytest.approx(device["PR Interval"], abs=15)
    assert got["qrs"].value == pytest.approx(device["QRS Duration"], abs=10)
    assert got["qt"].value == pytest.approx(device["QT Interval"], abs=15)
    assert got["qtc_bazett"].value == pytest.approx(device["QTc Interval"], abs=15)
    assert got["axis"].value == pytest.approx(device["QRS Axis"], abs=10)


def test_the_command_line_says_the_same(tmp_path, capsys):
    file = write_ecg(tmp_path, seconds=12.0, seed=3)
    assert main(["ecg", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (waveform,) = read_waveforms(file)
    found = analyse(waveform)
    assert told["r_peaks"] == found.beats.samples.tolist()
    assert told["median_of"] == found.median.beats
    for value in values_of(found):
        assert told["values"][value.name]["value"] == pytest.approx(value.value, abs=0.05)
    assert main(["ecg", str(file)]) == 0
    assert "median of" in capsys.readouterr().out
    assert main(["ecg", str(file), "--group", "4"]) == 2
    assert "groups 0 to 0" in capsys.readouterr().err
