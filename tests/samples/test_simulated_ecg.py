import numpy as np
import pytest

from medbench.dicom.scan import scan
from medbench.dicom.waveform import read_waveforms
from medbench.domain.image import DisplayKind
from medbench.samples.ecg import LEADS, RATE_HZ, simulate_ecg, write_ecg


def test_the_record_is_a_marked_twelve_lead_object(tmp_path):
    file = write_ecg(tmp_path)
    (study,) = scan([file]).studies
    assert study.simulated
    (display,) = study.series[0].displays
    assert display.kind is DisplayKind.WAVEFORM
    (waveform,) = read_waveforms(file)
    assert [c.name for c in waveform.channels] == list(LEADS)
    assert waveform.sampling_hz == RATE_HZ
    assert waveform.samples == pytest.approx(simulate_ecg(), abs=0.00051)  # stored in microvolts
    assert "not a patient" in waveform.texts[0]


def test_leads_obey_einthoven_and_goldberger():
    leads = dict(zip(LEADS, simulate_ecg(seed=3), strict=True))
    noise = 0.15  # wander and noise are each lead's own
    assert leads["I"] + leads["III"] == pytest.approx(leads["II"], abs=noise)
    assert leads["aVR"] + leads["aVL"] + leads["aVF"] == pytest.approx(0, abs=noise)


def test_same_seed_same_bytes(tmp_path):
    first, second = write_ecg(tmp_path / "a"), write_ecg(tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()
    assert not np.array_equal(simulate_ecg(seed=1), simulate_ecg(seed=2))
