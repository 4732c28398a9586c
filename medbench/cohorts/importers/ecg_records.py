"""ECG records (WFDB, DICOM waveforms): beats with their classes, whole records, or time steps.

What becomes a case follows from ``label``:

- ``aami`` (also where nothing is said and beats are annotated): each annotated beat, with its class
  of ANSI/AAMI EC57; patients are the records, so a split is between patients.
- ``beats``: pieces of 4 s, each sample labelled beat or no beat (QRS, 60 ms around the R peak).
- ``waves``: pieces of 4 s, each sample labelled none, P, QRS or T from annotated waves.
- the name of a column of ``labels.csv`` beside the records (with a column ``file``): the whole
  record, with the row's label; ``COLUMN/beats`` cuts it into its beats.
"""

from dataclasses import dataclass, field
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medbench.base.errors import BadInputError, MedbenchError
from medbench.base.hashing import sha256_bytes
from medbench.cohorts.source import Imported, Importer, SourceOptions, code_labels
from medbench.cohorts.tabletext import is_missing, read_table
from medbench.domain.cohort import Case, Feature, Item, ItemKind, Task
from medbench.domain.objects import Waveform
from medbench.formats.ecg_signals import (
    AFTER_S,
    BEFORE_S,
    LONGEST_S,
    PIECE_S,
    QRS_S,
    WAVES,
    beats_of,
    cut,
    is_record,
    leads_of,
    read_record,
    records_in,
    wave_marks,
)

SIGNALS, STEPS = "signals.npy", "steps.npy"


@dataclass
class _Found:
    cases: list[Case] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)
    signals: list[NDArray[np.float32]] = field(default_factory=list)
    steps: list[NDArray[np.int16]] = field(default_factory=list)

    def add(
        self, name: str, patient: str, signal: NDArray[np.float32], text: str | None,
        attributes: dict[str, str], steps: NDArray[np.int16] | None = None,
    ) -> None:  # fmt: skip
        at = len(self.cases)
        item = Item(ItemKind.ARRAY, SIGNALS, at, "", sha256_bytes(signal.tobytes()))
        mask = None
        if steps is not None:
            mask = Item(ItemKind.ARRAY, STEPS, at, "", sha256_bytes(steps.tobytes()))
            self.steps.append(steps)
        self.cases.append(Case(name, patient, None, (item,), attributes, mask=mask))
        self.texts.append(text)
        self.signals.append(signal)


def _accepts(source: Path, options: SourceOptions) -> bool:
    if options.task is not Task.SIGNAL:
        return False
    if source.is_file():
        return is_record(source)
    return next(records_in(source), None) is not None


def _read(source: Path, options: SourceOptions) -> Imported:
    files = list(records_in(source)) if source.is_dir() else [source]
    rows = _rows(source if source.is_dir() else source.parent)
    waves, notes = _waves(files, options)
    leads = _common_leads(waves, notes)
    hertz = min(wave.sampling_hz for _, wave in waves)
    if len({wave.sampling_hz for _, wave in waves}) > 1:
        notes.append(f"Records have several sampling rates: all are brought to {hertz:g} Hz")
    column, _, part = (options.label or "aami").partition("/")
    found = _Found()
    for i, (path, wave) in enumerate(waves):
        options.progress(0.5 + 0.5 * i / len(waves), f"cutting {i} of {len(waves)} records")
        same = _at_rate(wave, hertz)
        lanes = [leads_of(wave)[name] for name in leads] if leads else [_first(wave)]
        row = rows.get(path.name) or rows.get(path.stem) or {}
        patient = _patient(path, wave, row, options)
        before = len(found.cases)
        if column in ("beats", "waves"):
            _pieces(found, path, same, lanes, patient, column)
        elif column == "aami":
            _beats(found, path, same, lanes, patient, None)
        else:
            text = _label(path, row, column)
            if part == "beats":
                _beats(found, path, same, lanes, patient, text)
            else:
                _whole(found, path, same, lanes, patient, text)
        if len(found.cases) == before:
            notes.append(f"{path.name}: no {column} annotation, nothing taken")
    if not found.cases:
        raise BadInputError(
            f"{source.name}: no record carries what '{column}' needs. Take beat annotations "
            "(.atr), a labels.csv beside the records, or --label beats."
        )
    return _imported(found, column, leads, options, notes)


def _waves(
    files: list[Path], options: SourceOptions
) -> tuple[list[tuple[Path, Waveform]], list[str]]:
    found, notes = [], []
    for i, path in enumerate(files):
        options.progress(0.5 * i / len(files), f"reading {i} of {len(files)} records")
        try:
            found.append((path, read_record(path)))
        except MedbenchError as error:
            notes.append(f"Left out {path.name}: {error}")
    if not found:
        raise BadInputError("No record can be used. " + "; ".join(notes[:3]))
    return found, notes


def _common_leads(waves: list[tuple[Path, Waveform]], notes: list[str]) -> list[str]:
    """Names of the leads that all records have; [] = the first lead of each."""
    names = [leads_of(wave) for _, wave in waves]
    common = [name for name in names[0] if all(name in other for other in names)]
    if not common:
        notes.append("No lead is in all records by name: the first lead of each is taken")
    elif rest := sorted({n for other in names for n in other} - set(common)):
        notes.append(f"Leads in some records only are left out: {', '.join(rest[:12])}")
    return common


def _first(wave: Waveform) -> int:
    return next(iter(leads_of(wave).values()))


def _at_rate(wave: Waveform, hertz: float) -> Waveform:
    """The record at a lower rate (polyphase, with its low-pass); marks keep their seconds."""
    from dataclasses import replace

    from scipy.signal import resample_poly

    from medbench.imaging.ecg_beats import bridged

    if wave.sampling_hz == hertz:
        return wave
    up, down = round(hertz * 100), round(wave.sampling_hz * 100)
    shared = gcd(up, down)
    made = np.stack([resample_poly(bridged(r), up // shared, down // shared) for r in wave.samples])
    gaps = np.isnan(wave.samples)
    if gaps.any():
        at = np.minimum(
            np.arange(made.shape[1]) * wave.sampling_hz / hertz, gaps.shape[1] - 1
        ).astype(int)
        made[gaps[:, at]] = np.nan
    return replace(wave, samples=made.astype(np.float32), sampling_hz=hertz)


def _beats(
    found: _Found, path: Path, wave: Waveform, lanes: list[int], patient: str, text: str | None
) -> None:
    hertz = wave.sampling_hz
    before, after = round(BEFORE_S * hertz), round(AFTER_S * hertz)
    for number, beat in enumerate(beats_of(wave)):
        label = text if text is not None else beat.kind
        if not label:
            continue
        signal = cut(wave.samples, beat.sample, before, after, lanes)
        at = {"cut": "beat", "hz": f"{hertz:g}", "at_s": f"{beat.sample / hertz:.3f}"}
        found.add(f"{path.stem}-{number + 1:06d}", patient, signal, label, at)


def _whole(
    found: _Found, path: Path, wave: Waveform, lanes: list[int], patient: str, text: str | None
) -> None:
    hertz = wave.sampling_hz
    count = min(wave.samples.shape[1], round(LONGEST_S * hertz))
    signal = np.ascontiguousarray(wave.samples[lanes, :count].T)
    found.add(path.stem, patient, signal, text, {"cut": "record", "hz": f"{hertz:g}"})


def _pieces(
    found: _Found, path: Path, wave: Waveform, lanes: list[int], patient: str, kind: str
) -> None:
    hertz, total = wave.sampling_hz, wave.samples.shape[1]
    if kind == "waves":
        marks = wave_marks(wave)
    else:
        marks = np.zeros(total, np.int16)
        reach = round(QRS_S * hertz)
        for beat in beats_of(wave):
            marks[max(0, beat.sample - reach) : beat.sample + reach + 1] = 1
    size = round(PIECE_S * hertz)
    for number, first in enumerate(range(0, total - size + 1, size)):
        steps = np.ascontiguousarray(marks[first : first + size])
        if (steps >= 0).mean() < 0.5:
            continue
        signal = np.ascontiguousarray(wave.samples[lanes, first : first + size].T)
        at = {"cut": "piece", "hz": f"{hertz:g}", "at_s": f"{first / hertz:.3f}"}
        found.add(f"{path.stem}-{number + 1:05d}", patient, signal, "", at, steps)


def _imported(
    found: _Found, column: str, leads: list[str], options: SourceOptions, notes: list[str]
) -> Imported:
    longest = max(len(signal) for signal in found.signals)
    signals = np.full((len(found.signals), longest, found.signals[0].shape[1]), np.nan, np.float32)
    for row, signal in zip(signals, found.signals, strict=True):
        row[: len(signal)] = signal
    arrays: dict[str, np.ndarray[Any, Any]] = {SIGNALS: signals}
    classes: tuple[str, ...]
    codes: list[int | None]
    if found.steps:
        classes = ("none", *WAVES.values()) if column == "waves" else ("no beat", "beat")
        positive = classes.index("QRS") if column == "waves" else 1
        codes = [0] * len(found.cases)
        arrays[STEPS] = np.stack(found.steps)
    else:
        classes, positive, codes = code_labels(found.texts, options.positive)
        if column == "aami" and not options.positive and "V" in classes:
            positive = classes.index("V")
    cases = [
        Case(c.case_id, c.patient_id, code, c.items, c.attributes, mask=c.mask)
        for c, code in zip(found.cases, codes, strict=True)
    ]
    features = tuple(Feature(name) for name in leads or ("first lead",))
    return Imported(
        column, tuple(classes), positive, cases, features=features, arrays=arrays, notes=notes
    )


def _rows(folder: Path) -> dict[str, dict[str, str]]:
    """Rows of ``labels.csv`` by the name of their file."""
    source = folder / "labels.csv"
    if not source.is_file():
        return {}
    table = read_table(source)
    if "file" not in table.columns:
        raise BadInputError(f"{source.name} lacks the column 'file'; it names the records.")
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return {Path(row["file"]).name: row for row in rows}


def _label(path: Path, row: dict[str, str], column: str) -> str | None:
    if not row:
        raise BadInputError(f"{path.name} has no row in labels.csv: its label is not known.")
    if column not in row:
        raise BadInputError(f"labels.csv has no column {column!r}; it has {', '.join(row)}.")
    return None if is_missing(row[column]) else row[column]


def _patient(path: Path, wave: Waveform, row: dict[str, str], options: SourceOptions) -> str:
    """From the table; else the record is the patient, and a DICOM patient id stays hidden."""
    for name in (options.patient, "patient_id", "patient"):
        if name and row.get(name):
            return row[name]
    own = wave.annotations.get("patient_id", "")
    if own and own != path.stem:
        return "patient-" + sha256_bytes(own.encode())[:12]
    return path.stem


IMPORTER = Importer("ecg-records", frozenset({Task.SIGNAL}), _accepts, _read)
