import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

from medbench.base.errors import BadInputError, JobFailedError
from medbench.cohorts.build import build_cohort
from medbench.cohorts.split import split_by_patient
from medbench.cohorts.store import write_split
from medbench.domain.cohort import Task
from medbench.engine.learners.sequence import RESNET1D, RNN
from medbench.engine.nets.recurrent import Recurrent
from medbench.engine.nets.sequence import POOLS, build_sequence
from medbench.engine.sequences import prepare_sequence, prepare_steps, resampled
from medbench.engine.training.augment_signal import SignalAugmentation
from medbench.registry.workspace import Workspace
from medbench.session.operations.evaluation import evaluate
from medbench.session.operations.prediction import inputs_of, manifest_of, predict
from medbench.session.operations.training import prepare_run, resume_spec, train_blocking

DESCRIBED = {
    "kind": "recurrent", "cell": "gru", "leads": 2, "width": 6, "layers": 2, "hop": 2,
    "both_ways": True, "pool": "attention", "each_step": False, "classes": 3, "dropout": 0.0,
}  # fmt: skip
RESIDUAL = {
    "kind": "residual1d", "leads": 2, "widths": [4, 8, 8, 8], "pool": "mean and peak",
    "each_step": False, "classes": 3, "dropout": 0.0,
}  # fmt: skip


@pytest.mark.parametrize("both_ways", [True, False])
@pytest.mark.parametrize("layers", [1, 3])
def test_the_gru_and_its_gradients_are_those_of_torch(both_ways, layers):
    torch.manual_seed(3)
    net = Recurrent("gru", 5, 7, layers, both_ways=both_ways, dropout=0.0)
    found = []
    for run in (net, lambda x: net.body(x)[0]):
        inputs = torch.linspace(-2, 2, 4 * 9 * 5).reshape(4, 9, 5).requires_grad_()
        answer = run(inputs)
        net.zero_grad()
        answer.square().mul(torch.arange(9.0)[None, :, None]).sum().backward()
        found.append([answer, inputs.grad, *(p.grad.clone() for p in net.parameters())])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("described", [DESCRIBED, RESIDUAL], ids=["rnn", "resnet1d"])
def test_nothing_behind_the_end_of_a_signal_counts(described, pool):
    torch.manual_seed(0)
    net = build_sequence({**described, "pool": pool, "both_ways": False}).eval()
    whole = torch.randn(2, 3, 48)
    whole[:, 2] = 1
    whole[:, 2, 24:] = 0
    other = whole.clone()
    other[:, :2, 24:] = 99
    with torch.inference_mode():
        assert torch.equal(net(whole), net(other))
        assert net(whole).shape == (2, 3)


@pytest.mark.parametrize("described", [DESCRIBED, RESIDUAL], ids=["rnn", "resnet1d"])
def test_an_answer_each_time_step(described):
    net = build_sequence({**described, "each_step": True}).eval()
    assert net(torch.randn(2, 3, 50)).shape == (2, 3, 50)


def test_signals_are_prepared_lead_by_lead():
    time = np.linspace(0, 1, 80)
    raw = np.stack([np.sin(6 * time), 5 * np.cos(6 * time) + 3], axis=1)
    whole = prepare_sequence(raw, length=80, leads=2, normalisation="whole signal", fit="resample")
    assert whole[:2].mean(1) == pytest.approx([0, 0], abs=1e-6)
    centred = raw - raw.mean(0)
    assert whole[1].std() / whole[0].std() == pytest.approx(
        centred[:, 1].std() / centred[:, 0].std(), rel=1e-5
    )
    alone = prepare_sequence(raw, length=80, leads=2, normalisation="each lead", fit="resample")
    assert alone[:2].std(1) == pytest.approx([1, 1], rel=1e-5)
    gap = raw.copy()
    gap[30:34, 0] = np.nan
    bridged = prepare_sequence(gap, length=80, leads=2, normalisation="none", fit="resample")
    expected = np.interp(np.arange(30, 34), [29, 34], raw[[29, 34], 0])
    assert bridged[0, 30:34] == pytest.approx(expected)
    short = np.vstack([raw[:50], np.full((30, 2), np.nan)])
    padded = prepare_sequence(short, length=80, leads=2, normalisation="none", fit="pad or crop")
    assert padded[2].tolist() == [1.0] * 50 + [0.0] * 30
    assert padded[1, :50] == pytest.approx(raw[:50, 1], rel=1e-6)
    with pytest.raises(BadInputError, match="no sample"):
        prepare_sequence(gap * np.nan, length=80, leads=2, normalisation="none", fit="resample")
    with pytest.raises(BadInputError, match="2 leads, 1"):
        prepare_sequence(raw, length=80, leads=1, normalisation="none", fit="resample")


def test_shortening_keeps_means_and_marks_stay_in_place():
    values = np.arange(12.0)[:, None]
    assert resampled(values, 4)[:, 0].tolist() == [1.0, 4.0, 7.0, 10.0]
    assert resampled(values, 23)[:, 0] == pytest.approx(np.arange(23) / 2)
    marks = np.array([0, 0, 0, 1, 1, 1, -1, -1, -1, 2, 2, 2])
    assert prepare_steps(marks, length=4, fit="resample").tolist() == [0, 1, -100, 2]
    assert prepare_steps(marks, length=14, fit="pad or crop")[-3:].tolist() == [2, -100, -100]


def test_augmentation_never_mirrors_and_leaves_time_where_steps_are_labelled():
    torch.manual_seed(0)
    ramp = torch.linspace(-1, 1, 100).repeat(40, 2, 1)
    ramp[:, 1] = 1
    for each_step in (False, True):
        changed = SignalAugmentation.named("strong", each_step=each_step).apply(ramp)
        own = changed[:, 0]
        slopes = ((own - own.mean(1, keepdim=True)) * ramp[:, 0]).sum(1)
        assert (slopes > 0).all()
        assert not torch.equal(own, ramp[:, 0])
        assert torch.equal(changed[:, 1], ramp[:, 1])
    step = torch.zeros(60, 2, 100)
    step[:, 0, 50:] = 1
    step[:, 1] = 1
    quiet = replace(SignalAugmentation.named("mild", each_step=True), noise=0.0)
    assert ((quiet.apply(step)[:, 0] > 0.5) == (step[:, 0] > 0.5)).all()
    moving = replace(SignalAugmentation.named("mild", each_step=False), noise=0.0)
    assert ((moving.apply(step)[:, 0] > 0.5).sum(1) != 50).any()


@pytest.fixture(scope="module")
def signal_cohort(tmp_path_factory):
    """90 traces of 40 samples with a narrow or a wide bump."""
    root = tmp_path_factory.mktemp("signals")
    dice = np.random.default_rng(0)
    lines = []
    for i in range(90):
        centre, width = dice.uniform(10, 30), 5 if i % 2 else 1.5
        trace = np.exp(-(((np.arange(40) - centre) / width) ** 2)) + dice.normal(0, 0.15, 40)
        lines.append(",".join([str(i % 2), *(f"{v:.5f}" for v in trace)]))
    (root / "s.csv").write_text("\n".join(lines) + "\n")
    folder = root / "cohort"
    cohort = build_cohort(root / "s.csv", task=Task.SIGNAL, out=folder)
    write_split(folder, split_by_patient(cohort, val=0.25, test=0.2))
    return folder


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "w") as opened:
        yield opened


SMALL = {"width": 12, "epochs": 20, "members": 2}


@pytest.mark.keeps_process
@pytest.mark.parametrize(
    ("learner", "settings"),
    [("rnn", SMALL), ("resnet1d", {"widths": "8,8,8,8", "epochs": 12, "members": 1})],
)
def test_sequence_learners_end_to_end(workspace, signal_cohort, engine, learner, settings):
    events = []
    spec = prepare_run(workspace, signal_cohort, learner, overrides=settings)
    version, result = train_blocking(workspace, spec, events.append)
    assert result["validation"]["auc"]["value"] > 0.85
    rows = next(e for e in events if e["type"] == "plan")["rows"]
    assert all(row["reason"] for row in rows)
    curve = [e["epoch"] for e in events if e["type"] == "metric"]
    assert curve == list(range(1, settings["epochs"] * settings["members"] + 1))
    found = evaluate(workspace, engine, version.label, signal_cohort, "test")
    assert found.report.metrics["auc"].value > 0.8


@pytest.mark.keeps_process
def test_a_killed_run_of_several_networks_resumes_to_the_same_weights(workspace, signal_cohort):
    settings = {"width": 8, "epochs": 40, "members": 2}
    whole = prepare_run(workspace, signal_cohort, "rnn", overrides=settings, seed=5)
    train_blocking(workspace, whole)
    spec = prepare_run(workspace, signal_cohort, "rnn", overrides=settings, seed=5)
    died = []

    def kill(event):
        if event["type"] == "metric" and event["epoch"] == 55 and not died:
            died.append(True)
            for child in psutil.Process().children():
                if "medbench.engine" in " ".join(child.cmdline()) and "train" in child.cmdline():
                    child.kill()

    with pytest.raises(JobFailedError, match="died"):
        train_blocking(workspace, spec, kill)
    version, _ = train_blocking(workspace, resume_spec(workspace, spec.job_id))
    one = json.loads((Path(whole.run_folder) / "model" / "model.json").read_text())
    assert one["weights_sha256"] == version.weights_sha256


def test_the_learners_say_what_widths_must_be():
    assert RNN.name == "rnn"
    assert RNN.cross_fits

    plan = {"widths": "8,16", "leads": 1, "pool": "attention", "answer": "each signal"}
    with pytest.raises(BadInputError, match="four numbers"):
        RESNET1D.described(SimpleNamespace(plan=plan))


@pytest.fixture(scope="module")
def step_cohort(tmp_path_factory):
    """Records of ten seconds with spikes; each sample is labelled beat or no beat."""
    root = tmp_path_factory.mktemp("steps")
    (root / "src").mkdir()
    dice = np.random.default_rng(0)
    for i in range(8):
        trace = dice.integers(-8, 8, 1000)
        raw, before = b"", 0
        for at in range(60 + 5 * i, 960, 90):
            trace[at - 1 : at + 2] += 200
            raw += ((1 << 10) | (at - before)).to_bytes(2, "little")
            before = at
        (root / "src" / f"r{i}.dat").write_bytes(trace.astype("<i2").tobytes())
        head = f"r{i} 1 100 1000\nr{i}.dat 16 200/mV 16 0 {trace[0]} 0 0 II\n"
        (root / "src" / f"r{i}.hea").write_text(head)
        (root / "src" / f"r{i}.atr").write_bytes(raw + b"\0\0")
    folder = root / "cohort"
    cohort = build_cohort(root / "src", task=Task.SIGNAL, out=folder, label="beats")
    write_split(folder, split_by_patient(cohort, val=0.25, test=0.25))
    return folder


@pytest.mark.keeps_process
def test_each_time_step_is_learned_and_scored(workspace, step_cohort, engine, tmp_path):
    settings = {"width": 12, "epochs": 60, "members": 1, "hop": 2}
    spec = prepare_run(workspace, step_cohort, "rnn", overrides=settings)
    version, result = train_blocking(workspace, spec)
    assert result["validation"]["auc"]["value"] > 0.95
    assert result["validation"]["auc"]["n"] == 4 * 100
    found = evaluate(workspace, engine, version.label, step_cohort, "test")
    assert found.report.metrics["auc"].value > 0.95
    ids = found.predictions.case_ids
    assert len(set(ids.tolist())) == len(ids)
    assert len(set(found.predictions.patient_ids.tolist())) == 2
    folder = workspace.model_folder(version.label)
    record = step_cohort.parent / "src" / "r7.hea"
    entries = inputs_of([record], manifest_of(folder))
    answered = predict(engine, version, folder, entries, tmp_path)
    assert [a.input_id.rpartition("@")[2] for a in answered] == ["0.000s", "4.000s"]
    curve = np.load(answered[0].overlay_path)
    assert curve.shape == (400,)
    spikes = np.arange(60 + 35, 390, 90)
    assert curve[spikes].min() > curve[spikes - 40].max()
    with pytest.raises(JobFailedError, match="labels time steps"):
        train_blocking(workspace, prepare_run(workspace, step_cohort, "svm-linear"))
