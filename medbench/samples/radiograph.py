"""Simulated chest X-rays with and without opacities, and the label table beside them.

A projection is drawn from soft shapes in a unit square; anatomy, exposure, noise and position
vary by patient and picture. Opacities are soft patches of low contrast inside a lung.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.base.atomic import atomic_write_text
from medbench.dicom.write import SimulatedPatient, write_radiograph

Field = npt.NDArray[np.float32]
POSITIVE, NEGATIVE = "opacity", "no_finding"


@dataclass(frozen=True)
class SimulatedRadiograph:
    """One picture of one patient."""

    patient_id: str
    label: str
    age: int
    sex: str
    view: str
    seed: int
    picture: npt.NDArray[np.uint16]
    """(y, x), 12 bits, bright = dense."""


def _soft(distance: npt.NDArray[Any], edge: float) -> Field:
    """1 inside (distance below 0), 0 outside, smooth over ``edge``."""
    return np.asarray(1 / (1 + np.exp(np.clip(distance / edge, -30, 30))), np.float32)


def simulate_radiograph(
    patient_seed: int, picture_seed: int, *, opacity: bool, size: int = 256
) -> Field:
    """Attenuation 0..1 (y, x), bright = dense."""
    body = np.random.default_rng([patient_seed, 11])
    shot = np.random.default_rng([patient_seed, picture_seed, 12])
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    angle = float(shot.normal(0, 0.025))
    x0, y0 = np.meshgrid(axis - shot.normal(0, 0.02), axis - shot.normal(0, 0.02))
    zoom = float(shot.normal(1.0, 0.02))
    x = np.asarray((x0 * np.cos(angle) - y0 * np.sin(angle)) * zoom, np.float32)
    y = np.asarray((x0 * np.sin(angle) + y0 * np.cos(angle)) * zoom, np.float32)
    lung_w, lung_h = float(body.uniform(0.30, 0.36)), float(body.uniform(0.62, 0.72))
    width = float(body.uniform(0.82, 0.92))
    trunk = _soft(np.hypot(x / width, np.maximum(-y - 0.25, 0) / 0.75) - 1, 0.03)
    shoulders = _soft(np.hypot(x / 1.05, (y + 0.98) / 0.42) - 1, 0.04)
    out = 0.72 * np.maximum(trunk, 0.85 * shoulders)
    out *= 1 - 0.18 * np.hypot(x, y * 0.5)
    lungs = []
    for side in (-1, 1):
        top = np.hypot((x - side * 0.40) / lung_w, (y + 0.05) / lung_h) - 1
        level = 0.50 + (0.05 if side > 0 else 0.0) - 0.16 * (1 - ((x - side * 0.4) / 0.42) ** 2)
        lungs.append(_soft(np.asarray(top, np.float32), 0.035) * _soft(y - level, 0.02))
    lung = np.clip(lungs[0] + lungs[1], 0, 1)
    out -= 0.46 * lung
    _markings(out, x, y, lung, body)
    out += 0.26 * _soft(np.abs(x + 0.02 * np.sin(y * 3)) - 0.085, 0.02) * (trunk > 0.3)
    vertebrae = 0.05 * (np.sin(y * 42) > 0.2) * _soft(np.abs(x) - 0.07, 0.01)
    out += vertebrae
    heart = np.hypot((x - 0.13) / body.uniform(0.26, 0.34), (y - 0.28) / body.uniform(0.26, 0.32))
    tilt = np.hypot((x - 0.16 + 0.25 * (y - 0.25)) / 0.30, (y - 0.24) / 0.30)
    out += 0.34 * _soft(np.asarray(np.minimum(heart, tilt) - 1, np.float32), 0.035)
    knuckle = np.hypot((x - 0.13) / 0.10, (y + 0.26) / 0.10)
    out += 0.20 * _soft(np.asarray(knuckle - 1, np.float32), 0.05)
    _ribs(out, x, y, trunk, body)
    for side in (-1, 1):
        line = np.abs(y + 0.66 + 0.16 * np.abs(x) - 0.05 * np.sin(3 * x)) - 0.026
        out += (
            0.13
            * _soft(np.asarray(line, np.float32), 0.010)
            * ((side * x > 0.06) & (side * x < 0.72))
        )
    _distractors(out, lung, shot, x, y)
    if opacity:
        _opacities(out, lung, shot, x, y)
    return out


def _markings(out: Field, x: Field, y: Field, lung: Field, rng: np.random.Generator) -> None:
    """Vessels fanning out from the hila."""
    for side in (-1, 1):
        px, py = x - side * 0.14, y - 0.02
        r, a = np.hypot(px, py), np.arctan2(py, side * px)
        for angle in np.linspace(-1.2, 1.2, 11) + rng.normal(0, 0.08, 11):
            bend = angle + 0.25 * np.sin(r * rng.uniform(3, 7))
            width = 0.020 * np.exp(-r * 2.4) + 0.004
            vessel = np.exp(-(((a - bend) * r) ** 2) / (2 * width**2))
            out += 0.16 * np.exp(-r * 2.6) * vessel * lung * (1 - np.exp(-((r / 0.06) ** 2)))
        hilum = np.hypot(px / 0.09, py / 0.13)
        out += 0.12 * _soft(np.asarray(hilum - 1, np.float32), 0.18)


def _ribs(out: Field, x: Field, y: Field, trunk: Field, rng: np.random.Generator) -> None:
    start = float(rng.uniform(-0.62, -0.55))
    for i in range(9):
        centre = start + 0.145 * i
        for slope, depth in ((0.32, 0.075), (-0.42, 0.045)):
            curve = centre + slope * (np.abs(x) - 0.30) ** 2 * 2.2 + 0.03 * np.sign(slope)
            band = np.abs(y - curve) - 0.020
            mask = (np.abs(x) > 0.10) & (np.abs(x) < 0.78)
            out += depth * _soft(np.asarray(band, np.float32), 0.008) * mask * trunk


def _patch(x: Field, y: Field, cx: float, cy: float, rx: float, ry: float, turn: float) -> Field:
    u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
    v = -(x - cx) * np.sin(turn) + (y - cy) * np.cos(turn)
    return np.asarray(np.exp(-((u / rx) ** 2 + (v / ry) ** 2)), np.float32)


def _distractors(out: Field, lung: Field, rng: np.random.Generator, x: Field, y: Field) -> None:
    """Things that are no opacity but look a little like one: everybody may have them."""
    for _ in range(int(rng.integers(0, 3))):
        cx, cy = float(rng.uniform(-0.6, 0.6)), float(rng.uniform(-0.4, 0.4))
        out += float(rng.uniform(0.02, 0.06)) * _patch(
            x, y, cx, cy, 0.22, 0.05, float(rng.normal())
        )
    if rng.random() < 0.25:  # an electrode
        cx, cy = float(rng.uniform(-0.6, 0.6)), float(rng.uniform(-0.5, 0.4))
        out += 0.25 * _soft(np.asarray(np.hypot(x - cx, y - cy) - 0.022, np.float32), 0.004)
    del lung


def _opacities(out: Field, lung: Field, rng: np.random.Generator, x: Field, y: Field) -> None:
    """One to three soft patches with ragged texture inside the lungs."""
    for _ in range(int(rng.integers(1, 4))):
        side = 1 if rng.random() < 0.5 else -1
        cx, cy = side * float(rng.uniform(0.26, 0.52)), float(rng.uniform(-0.25, 0.36))
        rx, ry = float(rng.uniform(0.08, 0.20)), float(rng.uniform(0.08, 0.17))
        patch = _patch(x, y, cx, cy, rx, ry, float(rng.uniform(0, np.pi)))
        grain = 1 + 0.35 * np.sin(x * rng.uniform(25, 55) + y * rng.uniform(20, 50))
        out += float(rng.uniform(0.11, 0.27)) * patch * grain * (0.25 + 0.75 * lung)


def _develop(attenuation: Field, rng: np.random.Generator) -> npt.NDArray[np.uint16]:
    """Exposure, scatter, noise; 12-bit."""
    gain, offset = float(rng.uniform(2500, 3100)), float(rng.uniform(250, 650))
    grey = offset + gain * attenuation ** float(rng.uniform(0.9, 1.1)).real
    noise = rng.normal(0, rng.uniform(18, 38), attenuation.shape)
    return np.asarray(np.clip(grey + noise, 0, 4095), np.uint16)


def simulate_radiographs(n: int = 240, size: int = 256, seed: int = 0) -> list[SimulatedRadiograph]:
    """``n`` pictures, about half with opacities; every fourth patient has two to three pictures."""
    rng = np.random.default_rng([seed, 5])
    found: list[SimulatedRadiograph] = []
    patient = 0
    while len(found) < n:
        patient += 1
        shots = int(rng.integers(2, 4)) if patient % 4 == 0 else 1
        sick = bool(rng.random() < 0.5)
        age, sex = int(rng.integers(22, 88)), "F" if rng.random() < 0.5 else "M"
        for shot in range(min(shots, n - len(found))):
            positive = sick and not (shot and rng.random() < 0.3)
            raw = simulate_radiograph(seed * 100_000 + patient, shot, opacity=positive, size=size)
            picture = _develop(np.clip(raw, 0, 1.2), np.random.default_rng([seed, patient, shot]))
            found.append(
                SimulatedRadiograph(
                    patient_id=f"SIM-CXR-{patient:04d}",
                    label=POSITIVE if positive else NEGATIVE,
                    age=age,
                    sex=sex,
                    view="PA" if rng.random() < 0.7 else "AP",
                    seed=seed,
                    picture=picture,
                )
            )
    return found


def write_chest_radiographs(
    folder: Path,
    n: int = 240,
    size: int = 256,
    seed: int = 0,
    on_progress: Callable[[float], None] | None = None,
) -> Path:
    """Write DICOM files and ``labels.csv``; returns the CSV's path."""
    folder.mkdir(parents=True, exist_ok=True)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["file", "patient_id", "label", "age", "sex", "view"])
    for i, shot in enumerate(simulate_radiographs(n, size, seed)):
        name = f"cxr-{i + 1:04d}.dcm"
        patient = SimulatedPatient(
            shot.patient_id,
            f"Simulated^Chest {shot.patient_id[-4:]}",
            sex=shot.sex,
            age=f"{shot.age:03d}Y",
            study_description="Simulated chest X-ray",
        )
        negative = i % 12 == 5  # some are MONOCHROME1, as in the wild
        write_radiograph(
            folder / name,
            4095 - shot.picture if negative else shot.picture,
            patient,
            key=f"{seed}-{i}",
            view=shot.view,
            photometric="MONOCHROME1" if negative else "MONOCHROME2",
            pixel_spacing_mm=360.0 / size,
        )
        writer.writerow([name, shot.patient_id, shot.label, shot.age, shot.sex, shot.view])
        if on_progress is not None:
            on_progress((i + 1) / n)
    path = folder / "labels.csv"
    atomic_write_text(path, table.getvalue())
    return path
