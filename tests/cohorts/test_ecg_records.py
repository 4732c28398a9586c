import numpy as np
import pytest

from medbench.base.errors import BadInputError, LeakageError
from medbench.cohorts.build import build_cohort
from medbench.cohorts.checks import require_clean, run_checks
from medbench.cohorts.reading import CaseReader
from medbench.cohorts.split import split_by_patient
from medbench.domain.cohort import Role, Task
from medbench.formats.wfdb import read_wfdb
from medbench.formats.wfdb_annotations import read_annotations

HZ = 250
CODES = {"N": 1, "V": 5, "A": 8, "(": 39, ")": 40, "p": 24, "t": 27, "+": 28}


def write_record(folder, name, beats, hertz=HZ, leads=("MLII", "V1"), marks=None):
    """A format 16 record with a spike at each beat, and its MIT annotations."""
    count = 10 * hertz
    trace = np.random.default_rng(len(name)).integers(-5, 5, (len(leads), count))
    for at, sign in beats:
        trace[:, at - 2 : at + 3] += 200 if sign == "N" else -300
    (folder / f"{name}.dat").write_bytes(trace.T.astype("<i2").tobytes())
    lines = [f"{name} {len(leads)} {hertz} {count}"]
    lines += [
        f"{name}.dat 16 200/mV 16 0 {row[0]} 0 0 {lead}"
        for row, lead in zip(trace, leads, strict=True)
    ]
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")
    raw, time = b"", 0
    for at, sign in marks or beats:
        raw += ((CODES[sign] << 10) | (at - time)).to_bytes(2, "little")
        time = at
    (folder / f"{name}.atr").write_bytes(raw + b"\0\0")


@pytest.fixture
def records(tmp_path):
    """Six records of ten seconds; ventricular beats in each, supraventricular in half of them."""
    root = tmp_path / "records"
    root.mkdir()
    for i in range(6):
        kinds = ["N", "V", "N", "A" if i % 2 else "N"] * 2
        beats = [(300 + 260 * k + 7 * i, kind) for k, kind in enumerate(kinds)]
        write_record(root, f"r{i}", beats)
    return root


def test_annotated_beats_become_cases_by_record(records, tmp_path):
    cohort = build_cohort(records, task=Task.SIGNAL, out=tmp_path / "c", label="aami")
    assert cohort.classes == ("N", "S", "V")
    assert cohort.positive == 2
    assert len(cohort.cases) == 48
    assert [f.name for f in cohort.features] == ["MLII", "V1"]
    wave = read_wfdb(records / "r3.hea")[0]
    annotations, _ = read_annotations(records / "r3.atr", HZ)
    reader = CaseReader(cohort, tmp_path / "c")
    own = [case for case in cohort.cases if case.patient_id == "r3"]
    assert [cohort.classes[c.label] for c in own] == ["N", "V", "N", "S"] * 2
    for case, annotation in zip(own, annotations, strict=True):
        first = annotation.sample - round(0.45 * HZ)
        last = min(first + HZ, wave.samples.shape[1])
        expected = wave.samples[:, first:last].T
        assert np.array_equal(reader.signal(case)[: len(expected)], expected)
    split = split_by_patient(cohort, val=0.2, test=0.2)
    parts = {role: {c.patient_id for c in cohort.cases if split.roles[c.case_id] is role}
             for role in Role}  # fmt: skip
    assert not parts[Role.TRAIN] & parts[Role.VAL]
    assert not parts[Role.TRAIN] & parts[Role.TEST]


def test_records_of_several_rates_meet_at_the_lowest(records, tmp_path):
    beats = [(600 + 500 * k, "NV"[k % 2]) for k in range(8)]
    write_record(records, "fast", beats, hertz=500, leads=("MLII", "V5"))
    cohort = build_cohort(records, task=Task.SIGNAL, out=tmp_path / "c")
    assert [f.name for f in cohort.features] == ["MLII"]
    assert any("250 Hz" in note for note in cohort.notes)
    assert any("V1, V5" in note for note in cohort.notes)
    reader = CaseReader(cohort, tmp_path / "c")
    signal = reader.signal(next(c for c in cohort.cases if c.patient_id == "fast"))
    assert signal.shape == (250, 1)
    assert abs(int(np.nanargmax(signal[:, 0])) - round(0.45 * HZ)) <= 2


def test_each_time_step_is_labelled(records, tmp_path):
    cohort = build_cohort(records, task=Task.SIGNAL, out=tmp_path / "c", label="beats")
    assert cohort.classes == ("no beat", "beat")
    steps = np.load(tmp_path / "c" / "steps.npy")
    assert steps.shape == (12, 1000)
    annotations, _ = read_annotations(records / "r0.atr", HZ)
    near = [a.sample for a in annotations if a.sample < 1000]
    expected = np.zeros(1000)
    for at in near:
        expected[max(0, at - 15) : at + 16] = 1
    first = next(c for c in cohort.cases if c.case_id == "r0-00001")
    assert np.array_equal(steps[first.mask.index], expected)
    split = split_by_patient(cohort, val=0.2, test=0.2)
    require_clean(run_checks(cohort, split, tmp_path / "c"))


def test_annotated_waves_label_time_steps(tmp_path):
    root = tmp_path / "waves"
    root.mkdir()
    marks = []
    for at in range(100, 2300, 250):
        marks += [(at, "("), (at + 10, "p"), (at + 20, ")"), (at + 40, "("), (at + 50, "N"),
                  (at + 60, ")"), (at + 90, "("), (at + 110, "t"), (at + 130, ")")]  # fmt: skip
    write_record(root, "w", [(150, "N")], marks=marks)
    cohort = build_cohort(root, task=Task.SIGNAL, out=tmp_path / "c", label="waves")
    assert cohort.classes == ("none", "P", "QRS", "T")
    steps = np.load(tmp_path / "c" / "steps.npy")[0]
    assert (steps[:100] == -1).all()
    assert (steps[100:121] == 1).all()
    assert (steps[140:161] == 2).all()
    assert (steps[190:231] == 3).all()
    assert (steps[121:140] == 0).all()


def test_labels_of_records_come_from_the_table(records, tmp_path):
    lines = ["file,rhythm,patient"] + [f"r{i}.hea,{'af' if i % 2 else 'sr'},p{i // 2}"
                                       for i in range(6)]  # fmt: skip
    (records / "labels.csv").write_text("\n".join(lines) + "\n")
    whole = build_cohort(records, task=Task.SIGNAL, out=tmp_path / "a", label="rhythm")
    assert [case.label for case in whole.cases] == [1, 0] * 3
    assert [case.patient_id for case in whole.cases] == ["p0", "p0", "p1", "p1", "p2", "p2"]
    assert np.load(tmp_path / "a" / "signals.npy").shape == (6, 2500, 2)
    beats = build_cohort(records, task=Task.SIGNAL, out=tmp_path / "b", label="rhythm/beats")
    assert len(beats.cases) == 48
    (records / "labels.csv").write_text("file,rhythm\nr0.hea,af\n")
    with pytest.raises(BadInputError, match=r"r1\.hea has no row"):
        build_cohort(records, task=Task.SIGNAL, out=tmp_path / "d", label="rhythm")


def test_a_real_record_is_cut_at_its_annotations(real_data, tmp_path):
    source = real_data / "ecg_wfdb" / "100.hea"
    cohort = build_cohort(source, task=Task.SIGNAL, out=tmp_path / "c")
    counts = {
        name: sum(c.label == i for c in cohort.cases) for i, name in enumerate(cohort.classes)
    }
    # PhysioNet's table of annotations for record 100: 2239 N, 33 A, 1 V
    assert counts == {"N": 2239, "S": 33, "V": 1}
    signals = np.load(tmp_path / "c" / "signals.npy", mmap_mode="r")
    middle = np.nanmedian(signals[:, :, 0], axis=0)
    assert abs(int(middle.argmax()) - round(0.45 * 360)) <= 3


def test_an_electrocardiogram_of_dicom_is_cut_into_beats(tmp_path):
    from medbench.samples.ecg import write_ecg

    source = tmp_path / "e"
    source.mkdir()
    write_ecg(source)
    cohort = build_cohort(source, task=Task.SIGNAL, out=tmp_path / "c", label="beats")
    assert len(cohort.features) == 12
    assert np.load(tmp_path / "c" / "steps.npy").max() == 1


@pytest.mark.parametrize("blank", ["", ",,,,,,,,,,,", ",nan,?"])
def test_bad_signals_are_named_with_their_rows(tmp_path, blank):
    dice = np.random.default_rng(0)
    rows = [[str(i % 2), *(f"{v:.3f}" for v in dice.normal(size=40))] for i in range(30)]
    rows[4] = ["0", *["1.5"] * 40]
    rows[9] = rows[9][:25]
    rows[11][10:20] = [""] * 10
    lines = [",".join(row) for row in rows]
    lines[6] = "0" + blank
    (tmp_path / "s.csv").write_text("\n".join(lines) + "\n")
    cohort = build_cohort(tmp_path / "s.csv", task=Task.SIGNAL, out=tmp_path / "c")
    found = {r.check: r for r in run_checks(cohort, None, tmp_path / "c")}
    for check, row in (("empty-signal", 7), ("constant-signal", 5), ("signal-length", 10),
                       ("signal-gaps", 12)):  # fmt: skip
        assert not found[check].passed, check
        assert f"row {row}" in found[check].detail
        assert found[check].case_ids == (f"signal-{row:06d}",)
    with pytest.raises(LeakageError, match="row 7"):
        require_clean(found.values())
