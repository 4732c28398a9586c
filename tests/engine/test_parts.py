from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.svm import SVC, LinearSVC

from medbench.base.errors import BadInputError
from medbench.domain.cohort import Cohort, Task
from medbench.engine.data import Prepared, prepare_picture
from medbench.engine.explain.gradcam import grad_cam, unfit
from medbench.engine.learners.features import FeatureScaler
from medbench.engine.learners.margin import LinearCore, RbfCore
from medbench.engine.learners.svm import LINEAR, RBF
from medbench.engine.nets.residual import ResidualNet
from medbench.engine.training.augment import Augmentation
from medbench.engine.training.checkpoint import load_checkpoint, save_checkpoint
from medbench.engine.training.loop import rate_at
from medbench.engine.training.task import FitTask
from medbench.engine.trust.calibration import Calibration, fit_calibration, softmax
from medbench.engine.trust.in_distribution import fit_gate


class Quiet:
    def checkpoint(self):
        pass

    def progress(self, *_, **__):
        pass

    def metric(self, *_):
        pass


def fit_task(rows, labels, tmp_path, **plan):
    part = Prepared(rows, labels, [], np.zeros((len(rows), 1)))
    classes = tuple("abc"[: labels.max() + 1])
    plan = {"search": "fixed", "c": 1.0, "gamma": 1.0, "class_weights": "equal", **plan}
    return FitTask(
        Cohort("t", Task.TABLE, "y", classes, 1, ()), part, part, plan, 0, torch.device("cpu"),
        Quiet(), tmp_path, False,
    )  # fmt: skip


@pytest.mark.parametrize("classes", [2, 3])
def test_stored_svms_answer_as_scikit_learn_does(tmp_path, classes):
    dice = np.random.default_rng(0)
    labels = np.arange(120) % classes
    rows = dice.normal(size=(120, 6)) + labels[:, None]
    task = fit_task(rows, labels, tmp_path)
    scaled = (rows - rows.mean(0)) / rows.std(0)
    for learner, oracle in (
        (RBF, SVC(C=1.0, gamma=1 / 6)),
        (LINEAR, LinearSVC(C=1.0, max_iter=20000, tol=1e-4, random_state=0)),
    ):
        core = learner.fit(task).core
        loaded = learner.load(core.architecture(), core.tensors(), torch.device("cpu"))
        assert isinstance(loaded, (LinearCore, RbfCore))
        ours = loaded.logits(rows)
        for k in range(classes if classes > 2 else 1):
            goal = labels if classes == 2 else (labels == k).astype(int)
            expected = oracle.fit(scaled, goal).decision_function(scaled)
            mine = ours[:, 1] - ours[:, 0] if classes == 2 else ours[:, k]
            assert mine == pytest.approx(expected, abs=1e-6)


def test_scaler_fills_spreads_and_survives_storage():
    rows = np.array([[1.0, 0, np.nan], [3.0, 1, 5.0], [np.nan, 2, 7.0], [5.0, 0, np.nan]])
    scaler = FeatureScaler.fit(rows, [0, 3, 0])
    out = scaler.transform(rows)
    assert out.shape == (4, 5)
    assert np.isfinite(out).all()
    assert out.mean(axis=0) == pytest.approx(np.zeros(5), abs=1e-12)
    assert np.array_equal(FeatureScaler.load(scaler.tensors()).transform(rows), out)
    unseen = scaler.transform(np.array([[2.0, 9.0, 6.0]]))
    assert np.isfinite(unseen).all()


def test_temperature_repairs_overconfidence():
    dice = np.random.default_rng(0)
    honest = dice.normal(scale=1.5, size=(4000, 2))
    labels = (dice.random(4000) < softmax(honest)[:, 1]).astype(np.int64)
    found = fit_calibration(honest * 4, labels, margins=False)
    assert found.method == "temperature"
    assert found.temperature == pytest.approx(4, rel=0.1)
    assert found.apply(honest * 4) == pytest.approx(softmax(honest), abs=0.03)


def test_margins_get_an_offset_and_few_cases_nothing():
    dice = np.random.default_rng(1)
    margin = dice.normal(size=3000)
    labels = (dice.random(3000) < 1 / (1 + np.exp(-(2 * margin - 1)))).astype(np.int64)
    logits = np.stack([-margin / 2, margin / 2], 1)
    found = fit_calibration(logits, labels, margins=True)
    expected = 1 / (1 + np.exp(-(2 * margin - 1)))
    assert found.apply(logits)[:, 1] == pytest.approx(expected, abs=0.04)
    few = fit_calibration(logits[:12], labels[:12], margins=True)
    assert few == Calibration("none", 1.0, (0.0, 0.0))
    assert not few.calibrated


def test_gate_knows_strangers():
    dice = np.random.default_rng(0)
    mixing = dice.normal(size=(5, 5))
    gate = fit_gate(dice.normal(size=(300, 5)) @ mixing, dice.normal(size=(80, 5)) @ mixing)
    known = gate.distance(dice.normal(size=(200, 5)) @ mixing)
    assert np.mean([gate.accepts(d) for d in known]) > 0.95
    assert not gate.accepts(float(gate.distance(np.full((1, 5), 60.0))[0]))
    assert 0 <= gate.percentile(float(known[0])) <= 100


def test_checkpoint_round_trip_and_damage(tmp_path):
    arrays = {"a": np.arange(5.0), "b": np.ones((2, 2), np.float32)}
    save_checkpoint(tmp_path, arrays, {"epoch": 3})
    found, state = load_checkpoint(tmp_path)
    assert state == {"epoch": 3}
    assert np.array_equal(found["a"], arrays["a"])
    file = tmp_path / "state.safetensors"
    file.write_bytes(file.read_bytes()[:40])
    assert load_checkpoint(tmp_path) is None
    assert load_checkpoint(tmp_path / "none") is None


def test_learning_rate_rises_and_falls():
    rates = [rate_at(i, 100, 1.0) for i in range(100)]
    assert max(rates) == pytest.approx(1.0, abs=0.02)
    assert rates.index(max(rates)) in (9, 10)
    assert rates[-1] < 0.02
    assert all(a <= b for a, b in pairwise(rates[:10]))


def test_preparation_ignores_exposure_and_keeps_aspect():
    dice = np.random.default_rng(0)
    picture = dice.random((60, 120)).astype(np.float32)
    one = prepare_picture(picture * 1000 + 7, size=32, channels=1)
    two = prepare_picture(picture, size=32, channels=1)
    assert one == pytest.approx(two, abs=1e-4)
    assert one.shape == (1, 32, 32)
    assert (one[0, :8] == one[0, 0, 0]).all()
    assert prepare_picture(picture, size=32, channels=3).shape == (3, 32, 32)


def test_heat_points_at_what_matters():
    torch.manual_seed(0)
    net = ResidualNet(1, (8, 16), 2, stem_stride=1, dropout=0.0)
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    dice = np.random.default_rng(0)

    def batch(n):
        x = dice.normal(0.3, 0.05, (n, 1, 32, 32)).astype(np.float32)
        y = np.arange(n) % 2
        x[y == 1, 0, 4:12, 20:28] += 0.6
        return torch.from_numpy(x), torch.from_numpy(y)

    for _ in range(40):
        x, y = batch(32)
        loss = torch.nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    heat = grad_cam(net, batch(2)[0][1:], 1, 32, 32)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert 2 <= row <= 14
    assert 18 <= column <= 30


def test_unfit_undoes_the_padding():
    heat = np.zeros((32, 32), np.float32)
    heat[16, 8] = 1
    wide = unfit(heat, 50, 100)
    assert wide.shape == (50, 100)
    row, column = np.unravel_index(wide.argmax(), wide.shape)
    assert abs(row - 26) <= 3
    assert abs(column - 26) <= 3


def test_augmentation_is_seeded_and_flips_only_when_told():
    x = torch.rand(6, 1, 24, 24)
    mild = Augmentation.named("mild", flip=False)
    torch.manual_seed(1)
    a = mild.apply(x)
    torch.manual_seed(1)
    assert torch.equal(a, mild.apply(x))
    assert Augmentation.named("none", flip=False) is None
    still = Augmentation(0, 0, 0, 0, flip=False)
    assert torch.allclose(still.apply(x), x, atol=1e-5)


def test_unknown_learner():
    from medbench.engine.learners import learner_of

    with pytest.raises(BadInputError, match="perceptron"):
        learner_of("oracle")
