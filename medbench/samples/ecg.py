"""A simulated 12-lead ECG: a moving heart vector seen by twelve leads, deterministic.

The heart vector is a sum of Gaussian waves over each beat (after McSharry et al., IEEE Trans
Biomed Eng 2003); leads follow from it by Dower's matrix (Dower et al., J Electrocardiol 1980).
"""

from pathlib import Path

import numpy as np

from medbench.dicom.write import SimulatedPatient, write_twelve_leads

RATE_HZ = 500
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
# Frank axes: X to the left, Y to the feet, Z to the back
_DOWER = {
    "I": (0.632, -0.235, 0.059), "II": (0.235, 1.066, -0.132), "V1": (-0.515, 0.157, -0.917),
    "V2": (0.044, 0.164, -1.387), "V3": (0.882, 0.098, -1.277), "V4": (1.213, 0.127, -0.601),
    "V5": (1.125, 0.127, -0.086), "V6": (0.831, 0.076, 0.230),
}  # fmt: skip
# (X, Y, Z) in mV, centre after the R peak and width in s
_WAVES = (
    ((0.06, 0.10, -0.02), -0.170, 0.022),
    ((-0.14, -0.06, -0.22), -0.026, 0.009),
    ((0.95, 0.75, 0.10), 0.000, 0.012),
    ((-0.10, -0.14, 0.55), 0.028, 0.012),
    ((0.10, 0.08, -0.10), 0.215, 0.045),
    ((0.22, 0.18, -0.16), 0.275, 0.040),
)


def simulate_ecg(seconds: float = 10.0, seed: int = 1, rate_hz: int = RATE_HZ) -> np.ndarray:
    """(12, samples) in mV, leads in the order of ``LEADS``."""
    random = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    vector = np.zeros((3, len(time_s)))
    beat = 0.35
    while beat < seconds + 0.5:
        for amplitude, centre, width in _WAVES:
            shape = np.exp(-(((time_s - beat - centre) / width) ** 2) / 2)
            vector += np.asarray(amplitude)[:, None] * shape
        breath = np.sin(2 * np.pi * 0.25 * beat)
        beat += 0.80 + 0.04 * breath + random.normal(0, 0.005)
    found = {name: np.asarray(row) @ vector for name, row in _DOWER.items()}
    found["III"] = found["II"] - found["I"]
    found["aVR"] = -(found["I"] + found["II"]) / 2
    found["aVL"] = found["I"] - found["II"] / 2
    found["aVF"] = found["II"] - found["I"] / 2
    leads = np.stack([found[name] for name in LEADS])
    wander = 0.04 * np.sin(2 * np.pi * 0.25 * time_s + random.uniform(0, 6, (12, 1)))
    return leads + wander + random.normal(0, 0.006, leads.shape)


def write_ecg(folder: Path, seconds: float = 10.0, seed: int = 1) -> Path:
    """Write one record as a DICOM 12-lead ECG object, marked simulated; returns the file."""
    patient = SimulatedPatient(f"SIM-ECG-{seed}", f"Simulated^Ecg {seed}", "F", "", "081Y")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "ecg.dcm"
    write_twelve_leads(file, simulate_ecg(seconds, seed), RATE_HZ, LEADS, patient, key=f"ecg{seed}")
    return file
