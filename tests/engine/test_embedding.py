import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from medbench.base.errors import JobFailedError
from medbench.cohorts.build import build_cohort
from medbench.cohorts.split import split_by_patient
from medbench.cohorts.store import read_cohort, write_split
from medbench.domain.cohort import Task
from medbench.engine.inference.model import load_model
from medbench.engine.learners.embedded import Embedder
from medbench.engine.learners.network import NetCore
from medbench.engine.nets.perceptron_layers import Mlp
from medbench.imaging.features import SETS, features_of
from medbench.imaging.signal_features import signal_features
from medbench.imaging.texture import binary_patterns, co_occurrence, oriented_edges
from medbench.registry.workspace import Workspace
from medbench.session.operations.training import prepare_run, train_blocking

pytestmark = pytest.mark.keeps_process


@pytest.fixture
def rings(tmp_path):
    """60 pictures with a ring or none, from elsewhere."""
    dice = np.random.default_rng(4)
    y, x = np.mgrid[0:28, 0:28]
    for label in ("ring", "none"):
        (tmp_path / "src" / label).mkdir(parents=True)
        for i in range(30):
            grey = dice.normal(90, 10, (28, 28))
            if label == "ring":
                grey += 90 * (np.abs(np.hypot(y - 14, x - 14) - 7) < 2)
            picture = np.clip(grey, 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / "src" / label / f"{label}{i}.png")
    folder = tmp_path / "rings"
    cohort = build_cohort(tmp_path / "src", task=Task.IMAGE, out=folder, positive=("ring",))
    write_split(folder, split_by_patient(cohort, val=0.3, test=0))
    return folder


def test_a_registered_network_gives_the_features(image_cohort, rings, tmp_path):
    with Workspace(tmp_path / "w") as workspace:
        network, _ = train_blocking(
            workspace,
            prepare_run(workspace, image_cohort, "cnn", overrides={"epochs": 2, "widths": "8,16"}),
        )
        spec = prepare_run(workspace, rings, "svm-linear", folds=3, embedder=network.label)
        version, result = train_blocking(workspace, spec)
        assert result["cross_validation"]["metrics"]["auc"]["value"] > 0.9
        rows = json.loads((Path(spec.run_folder) / "plan.json").read_text())["rows"]
        assert rows[0]["value"] == network.label
        assert not any(row["key"] == "features" for row in rows)
        folder = workspace.model_folder(version.label)
        model = load_model(folder, torch.device("cpu"))
        front = load_model(workspace.model_folder(network.label), torch.device("cpu"))
        inputs = np.random.default_rng(0).random((5, 1, 28, 28)).astype(np.float32)
        assert isinstance(front.core, NetCore)
        seen = Embedder(front.core, {})(inputs)
        assert model.core.logits(inputs) == pytest.approx(model.core._back.logits(seen))
        assert model.preparer.settings == front.preparer.settings
        again = prepare_run(workspace, image_cohort, "svm-linear", folds=3, embedder=network.label)
        with pytest.raises(JobFailedError, match="know the held-out cases"):
            train_blocking(workspace, again)
        table = prepare_run(workspace, rings, "svm-linear", embedder=version.label)
        with pytest.raises(JobFailedError, match="is no network"):
            train_blocking(workspace, table)
        wrong = prepare_run(workspace, rings, "cnn", embedder=network.label)
        with pytest.raises(JobFailedError, match="learns its own features"):
            train_blocking(workspace, wrong)
    assert read_cohort(rings).cases


def test_an_embedder_shows_what_goes_into_the_last_layer():
    torch.manual_seed(0)
    net = Mlp(4, [6, 3], 2, 0.0)
    core = NetCore(net, {}, torch.device("cpu"))
    inputs = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    seen = Embedder(core, {})(inputs)
    last = [m for m in net.modules() if isinstance(m, torch.nn.Linear)][-1]
    out = last(torch.from_numpy(seen).float()).detach().numpy()
    assert out == pytest.approx(core.logits(inputs), abs=1e-5)


def test_co_occurrence_of_a_chessboard_and_of_one_grey():
    board = (np.indices((16, 16)).sum(0) % 2).astype(float)
    contrast, _, homogeneity, energy, entropy, correlation = co_occurrence(
        board, levels=2, steps=(1,)
    )[:6]
    assert contrast == pytest.approx(1)  # every neighbour differs by one level
    assert homogeneity == pytest.approx(0.5)
    assert energy == pytest.approx(0.5)
    assert entropy == pytest.approx(np.log(2))
    assert correlation == pytest.approx(-1)
    diagonal = co_occurrence(board, levels=2, steps=(1,))[12:18]
    assert diagonal[0] == pytest.approx(0)
    assert diagonal[5] == pytest.approx(1)
    flat = co_occurrence(np.full((16, 16), 0.4))
    assert np.isfinite(flat).all()
    assert flat[3] == pytest.approx(1)


def test_co_occurrence_counts_as_a_plain_loop_does():
    unit = np.random.default_rng(0).random((9, 9))
    grey = np.minimum((unit * 4).astype(int), 3)
    for at, (dy, dx) in enumerate(((0, 2), (2, 0), (2, 2), (2, -2))):
        matrix = np.zeros((4, 4))
        for y in range(9):
            for x in range(9):
                if 0 <= y + dy < 9 and 0 <= x + dx < 9:
                    matrix[grey[y, x], grey[y + dy, x + dx]] += 1
                    matrix[grey[y + dy, x + dx], grey[y, x]] += 1
        matrix /= matrix.sum()
        i, j = np.indices((4, 4))
        found = co_occurrence(unit, levels=4, steps=(2,))[6 * at : 6 * at + 6]
        assert found[0] == pytest.approx(((i - j) ** 2 * matrix).sum())
        assert found[3] == pytest.approx((matrix**2).sum())
        a, b = np.repeat(i.ravel(), 1), j.ravel()
        mean = (a * matrix.ravel()).sum()
        spread = ((a - mean) ** 2 * matrix.ravel()).sum()
        both = ((a - mean) * (b - mean) * matrix.ravel()).sum()
        assert found[5] == pytest.approx(both / spread)


def test_binary_patterns_do_not_turn_with_the_picture():
    unit = np.random.default_rng(1).random((64, 64))
    one, turned = (binary_patterns(u, radii=(1,), boxes=1) for u in (unit, np.rot90(unit)))
    assert one == pytest.approx(turned, abs=0.02)
    assert one.sum() == pytest.approx(1)
    assert binary_patterns(unit).shape == (120,)
    assert binary_patterns(np.zeros((64, 64)), radii=(1,), boxes=1)[8] == 1


def test_oriented_edges_know_the_direction():
    y, x = np.mgrid[0:64, 0:64] / 64
    for values, bins in ((np.sin(20 * x), (8, 0)), (np.sin(20 * y), (3, 4, 5))):
        strength = oriented_edges(values).reshape(-1, 9).sum(0)
        assert strength[list(bins)].sum() > 0.9 * strength.sum()
    assert np.isfinite(oriented_edges(np.zeros((64, 64)))).all()


@pytest.mark.parametrize("name", SETS)
def test_sets_of_features_do_not_see_exposure(name):
    picture = np.random.default_rng(0).random((90, 70)).astype(np.float32)
    one, two = features_of(picture, name), features_of(picture * 700 + 40, name)
    assert one == pytest.approx(two, abs=2e-2)
    assert np.isfinite(features_of(np.zeros((8, 8)), name)).all()


def test_signal_measures_are_finite_and_tell_forms_apart():
    t = np.linspace(0, 1, 128)
    slow, fast = (np.sin(2 * np.pi * f * t) for f in (2, 20))
    a, b = signal_features(slow), signal_features(fast)
    assert a.shape == b.shape == signal_features(np.zeros(8)).shape
    assert np.isfinite(signal_features(np.zeros(1))).all()
    assert b[11] > 5 * a[11]  # mean slope
    assert np.isfinite(a).all()
