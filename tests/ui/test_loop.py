import csv

import numpy as np
import pytest
from PIL import Image

from medbench.base.paths import resource
from medbench.domain.cohort import Task
from medbench.domain.finding import Finding
from medbench.domain.model import Stage
from medbench.imaging.reslice import PlaneKind
from medbench.jobs.states import JobState
from medbench.session.cohort_shelf import BuildRequest

pytestmark = pytest.mark.slow


@pytest.fixture
def pictures(tmp_path):
    dice = np.random.default_rng(0)
    y, x = np.mgrid[0:28, 0:28]
    root = tmp_path / "src"
    root.mkdir()
    with (root / "labels.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["file", "patient_id", "label"])
        for i in range(90):
            grey = dice.normal(90, 12, (28, 28))
            if i % 2:
                cy, cx = dice.integers(8, 20, 2)
                grey += 110 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 12)
            name = f"{i:03d}.png"
            Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(root / name)
            writer.writerow([name, f"p{i}", "spot" if i % 2 else "plain"])
    return root / "labels.csv"


def test_the_whole_loop_in_the_window(app, wait, pictures):
    session, window = app.session, app.window
    session.cohorts.build(BuildRequest(pictures, Task.IMAGE, positive=("spot",), name="spots"))
    wait(lambda: session.cohorts.selected is not None, 30)
    assert not session.cohorts.selected.blocked
    window.workspaces["cohorts"].train()
    assert window.page_id == "train"
    train = window.workspaces["train"]
    assert train.recipe.learner == "cnn"
    for key, value in (("epochs", 6), ("widths", "8,16")):
        train.recipe.set_override(key, value)
    app.actions_registry.action("medbench.train.start").trigger()
    wait(lambda: session.runs.live is not None, 30)
    run_id = session.runs.live.run_id
    assert not app.actions_registry.action("medbench.train.start").isEnabled()
    wait(lambda: session.runs.live is None, 90)
    run = session.runs.run(run_id)
    assert run.state is JobState.FINISHED, run.reason
    assert len(run.points) == 6
    wait(lambda: any(v.label == run.model for v in session.models.versions))

    session.show_requested.emit("evaluate", run.model)
    app.actions_registry.action("medbench.evaluate.run").trigger()
    wait(lambda: session.evaluations.current is not None, 60)
    page = window.workspaces["evaluate"]
    assert page.rests.text() == "Internal test"
    page.set_threshold(0.99)
    wait(lambda: page._report is not None and page._report.threshold == 0.99)
    page.confusion.choose(0, 0)

    session.show_requested.emit("models", run.model)
    models = window.workspaces["models"]
    wait(lambda: models._detail is not None and models._detail.version.label == run.model)
    models.change_stage(Stage.APPROVED, "AF", "good enough for a test")
    wait(lambda: bool(session.models.approved()))

    window.open_paths([pictures.parent / "001.png"])
    review = window.workspaces["review"]
    wait(lambda: review.model.volume is not None and bool(review.model.volume.ready.all()))
    answers = []
    session.models.predicted.connect(answers.append)
    app.actions_registry.action("medbench.review.run_ai").trigger()
    wait(lambda: bool(answers), 60)
    assert answers[0].prediction.model == run.model
    assert review.model.overlay.shape == (28, 28)
    session.settings.change(reader="Anna Frey")
    accept = app.actions_registry.action("medbench.review.accept_suggestion")
    wait(accept.isEnabled)
    accept.trigger()
    (finding,) = session.readings.of(Finding)
    version = next(v for v in session.models.versions if v.label == run.model)
    assert finding.ai.weights_sha256 == version.weights_sha256
    assert review.ai_panel.card.figures.text().startswith("At ")
    assert "internal test" in review.ai_panel.card.figures.text()
    plain = review.viewports[PlaneKind.ACQUIRED].grab().toImage()
    app.actions_registry.action("medbench.review.toggle_overlay").trigger()
    app.qt.processEvents()
    assert review.viewports[PlaneKind.ACQUIRED].grab().toImage() != plain

    review.ai_panel.cohort_field.setEditText("corrections")
    review.ai_panel.label_field.setText("spot")
    review.ai_panel.add_button.click()
    wait(lambda: any(r.folder.name == "corrections" for r in session.cohorts.records))
    assert not [m.text for m in session.messages.log if m.level.value == "error"]


def test_stopping_a_run_and_continuing_it(app, wait):
    session = app.session
    session.cohorts.build(
        BuildRequest(resource("samples", "wisconsin.csv"), Task.TABLE, "diagnosis",
                     ("malignant",), name="wisconsin")
    )  # fmt: skip
    wait(lambda: session.cohorts.selected is not None, 30)
    folder = session.cohorts.selected.folder
    session.runs.start(folder, "mlp", {"epochs": 3000, "patience": 3000}, "cpu")
    wait(lambda: session.runs.live is not None and len(session.runs.live.points) >= 3, 60)
    run_id = session.runs.live.run_id
    session.jobs.cancel(run_id)
    wait(lambda: session.runs.live is None, 20)
    stopped = session.runs.run(run_id)
    assert stopped.state is JobState.CANCELLED
    session.runs.continue_run(run_id)
    wait(lambda: session.runs.live is not None
         and session.runs.live.points[-1]["epoch"] > len(stopped.points), 60)  # fmt: skip
    session.runs.stop(run_id)
    wait(lambda: session.runs.live is None, 20)


def test_a_blocked_cohort_cannot_train_until_it_is_explained(app, wait, tmp_path):
    lines = ["x,part,y"] + [f"{i % 20},{'train' if i < 30 else 'val'},{i % 2}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    session = app.session
    session.cohorts.build(BuildRequest(tmp_path / "t.csv", Task.TABLE, "y", ("1",), name="leaky"))
    wait(lambda: session.cohorts.selected is not None, 30)
    from medbench.cohorts.split import split_from_column
    from medbench.cohorts.store import read_cohort, write_split

    folder = session.cohorts.selected.folder
    write_split(folder, split_from_column(read_cohort(folder), "part"))
    session.cohorts.refresh()
    wait(lambda: bool(session.cohorts.selected.blocked))
    start = app.actions_registry.action("medbench.cohorts.train")
    assert not start.isEnabled()
    session.cohorts.override("exact-duplicate", "the rows are few numbers", "AF")
    wait(lambda: not session.cohorts.selected.blocked)
    assert start.isEnabled()
