"""The steps of the guided tour, in order."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from medbench.app.tour_guide import N_RADIOGRAPHS, Tour
from medbench.base.errors import JobFailedError
from medbench.base.paths import resource
from medbench.domain.cohort import Role, Task
from medbench.domain.model import Stage
from medbench.domain.records import to_json
from medbench.imaging.reslice import PlaneKind
from medbench.jobs.states import JobState
from medbench.samples.ecg import write_ecg
from medbench.samples.radiograph import write_chest_radiographs
from medbench.samples.thorax import write_thorax_ct
from medbench.session.cohort_shelf import BuildRequest

WHO, WHY = "Tour", "Shown by the guided tour"


def _wheel(widget: QWidget, notches: int) -> None:
    at = QPointF(widget.width() / 2, widget.height() / 2)
    event = QWheelEvent(
        at, widget.mapToGlobal(at), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def _drag(widget: QWidget, button: Qt.MouseButton, dx: int, dy: int) -> None:
    middle = widget.rect().center()
    QTest.mousePress(widget, button, Qt.KeyboardModifier.NoModifier, middle)
    for part in range(1, 6):
        # QTest.mouseMove carries no buttons, which is fine: the viewport remembers the press
        QTest.mouseMove(widget, middle + QPoint(dx * part // 5, dy * part // 5))
    QTest.mouseRelease(widget, button, Qt.KeyboardModifier.NoModifier, middle + QPoint(dx, dy))


def start(tour: Tour, scratch: Path) -> None:
    """The first screen."""
    tour.note("start", tour.photograph("start"))


def open_study(tour: Tour, scratch: Path) -> None:
    """A study, opened as if dropped; scrolled and windowed by mouse."""
    folder = tour.study
    if folder is None:
        folder = scratch / "thorax-ct"
        write_thorax_ct(folder)
    review = tour.app.window.workspaces["review"]
    begin = time.monotonic()
    tour.app.window.open_paths([folder])
    model = review.model
    tour.wait(
        "the first image", lambda: model.volume is not None and bool(model.volume.ready.any())
    )
    tour.timings["first_image_s"] = round(time.monotonic() - begin, 3)

    def whole() -> bool:
        volume = model.volume
        return volume is not None and (
            int(volume.ready.sum()) + len(volume.failed) == len(volume.ready)
        )

    tour.wait("the whole series", whole)
    tour.timings["series_s"] = round(time.monotonic() - begin, 3)
    view = review.viewports[PlaneKind.ACQUIRED]
    before = view.index
    if view.count > 1:
        for _ in range(min(8, view.count // 3)):
            _wheel(view, -1)
        tour.rest(0.1)
        if view.index == before:
            raise JobFailedError("The wheel did not scroll.")
    window = model.window
    _drag(view, Qt.MouseButton.RightButton, 60, -30)
    if window is not None and model.window == window:
        raise JobFailedError("The right mouse button did not change the window.")
    tour.rest(0.2)
    review.show_tab("image")
    tour.note("open, scroll, window", tour.photograph("review-stack"), slices=view.count)


def planes(tour: Tour, scratch: Path) -> None:
    """Three planes with a crosshair, and the light theme."""
    review = tour.app.window.workspaces["review"]
    tour.trigger("medbench.review.reset")
    if review.model.display.reformattable:
        tour.trigger("medbench.review.toggle_mpr")
        tour.trigger("medbench.review.tool_crosshair")
        tour.rest(0.2)
        axial = review.viewports[PlaneKind.AXIAL]
        place = axial.rect().center() + QPoint(axial.width() // 8, axial.height() // 10)
        point = review.model.point_mm.copy()
        QTest.mouseClick(axial, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
        if (review.model.point_mm == point).all():
            raise JobFailedError("The crosshair did not move.")
    tour.note("three planes", tour.photograph("review-planes"),
              reformattable=review.model.display.reformattable)  # fmt: skip
    tour.trigger("medbench.view.toggle_theme")
    tour.note("light theme", tour.photograph("review-light"))
    tour.trigger("medbench.view.toggle_theme")
    tour.trigger("medbench.review.tool_window")


def ecg(tour: Tour, scratch: Path) -> None:
    """A 12-lead ECG on paper; always the simulated one."""
    review = tour.app.window.workspaces["review"]
    file = write_ecg(scratch / "ecg")
    tour.app.window.open_paths([file])
    tour.wait("the ECG", lambda: review.stage.view is not None)
    tour.rest(0.4)
    tour.note("ECG on paper", tour.photograph("review-ecg"))
    tour.trigger("medbench.file.close_studies")


def _build(tour: Tour, request: BuildRequest) -> Any:
    done: list[str] = []
    tour.app.session.cohorts.build(request, done.append)
    tour.wait(f"the cohort {request.name}", lambda: bool(done), 120)
    return next(r for r in tour.app.session.cohorts.records if r.folder.name == done[0])


def image_cohort(tour: Tour, scratch: Path) -> None:
    """Chest X-rays become a cohort, split by patient and checked."""
    source = tour.images
    if source is None:
        source = write_chest_radiographs(scratch / "radiographs", N_RADIOGRAPHS, 256)
    tour.app.window.show_page("cohorts")
    begin = time.monotonic()
    record = _build(tour, BuildRequest(source, Task.IMAGE, name="chest-x-ray"))
    tour.timings["image_cohort_s"] = round(time.monotonic() - begin, 2)
    if record.blocked:
        raise JobFailedError(f"The cohort is blocked: {record.blocked[0].detail}")
    tour.rest(1.0)
    tour.note("image cohort", tour.photograph("cohorts"), cases=len(record.cohort.cases),
              simulated=record.cohort.simulated)  # fmt: skip


def _train(tour: Tour, cohort: str, learner: str, picture: str, overrides: dict[str, Any]) -> str:
    window, session = tour.app.window, tour.app.session
    train = window.workspaces["train"]
    window.show_page("train")
    train.recipe.choose_cohort(cohort)
    train.recipe.choose_learner(learner)
    plans: list[Any] = []
    session.runs.plan_ready.connect(lambda name, rows, why: plans.append((name, rows, why)))
    train.recipe.overrides = overrides
    train.request_plan()
    tour.wait("the plan", lambda: any(p[0] == learner and p[1] for p in plans), 60)
    begin = time.monotonic()
    known = {run.run_id for run in session.runs.runs}
    tour.trigger("medbench.train.start")
    tour.wait("the run", lambda: session.runs.live is not None, 30)
    run_id = session.runs.live.run_id
    if run_id in known:
        raise JobFailedError("No new run began.")

    def points() -> int:
        run = session.runs.run(run_id)
        return 0 if run is None else len(run.points)

    tour.wait("live curves", lambda: points() >= 4 or session.runs.live is None, 150)
    if session.runs.live is not None:
        tour.rest(0.6)
        tour.note(f"{learner} running", tour.photograph(f"{picture}-live"), points=points())
    tour.wait("the end of the run", lambda: session.runs.live is None, 200)
    run = session.runs.run(run_id)
    if run is None or run.state is not JobState.FINISHED:
        raise JobFailedError(f"The run ended as {run.state if run else 'nothing'}: {run.reason}")
    label = str(run.model)
    tour.wait("the registry", lambda: any(v.label == label for v in session.models.versions))
    tour.timings[f"{learner}_s"] = round(time.monotonic() - begin, 2)
    tour.rest(0.7)
    tour.note(f"{learner} trained", tour.photograph(picture), model=label,
              points=len(run.points), device=run.device)  # fmt: skip
    return label


def train_cnn(tour: Tour, scratch: Path) -> None:
    """A CNN on the images, with live curves."""
    _train(tour, "chest-x-ray", "cnn", "train-cnn", {})


def train_svm(tour: Tour, scratch: Path) -> None:
    """An RBF SVM on the Wisconsin table that comes with medbench."""
    tour.app.window.show_page("cohorts")
    _build(tour, BuildRequest(
        resource("samples", "wisconsin.csv"), Task.TABLE, "diagnosis", ("malignant",),
        name="wisconsin-breast",
    ))  # fmt: skip
    tour.note("table cohort", tour.photograph("cohorts-table"))
    _train(tour, "wisconsin-breast", "svm-rbf", "train-svm", {})


def _changed(desk: Any, before: object) -> Callable[[], bool]:
    return lambda: desk.current is not before


def evaluate(tour: Tour, scratch: Path) -> None:
    """Both models on their test parts; the threshold moved on the image model's dashboard."""
    window, session = tour.app.window, tour.app.session
    page = window.workspaces["evaluate"]
    for learner in ("svm-rbf", "cnn"):
        version = next(v for v in session.models.versions if v.learner == learner)
        session.show_requested.emit("evaluate", version.label)
        before = session.evaluations.current
        tour.trigger("medbench.evaluate.run")
        tour.wait("the evaluation", _changed(session.evaluations, before), 90)
        shown = session.evaluations.current.evaluation
        tour.metrics[learner] = {
            "model": version.label, "rests_on": shown.record.rests_on.value,
            "threshold": shown.report.threshold, "metrics": to_json(shown.report.metrics),
        }  # fmt: skip
        tour.rest(1.0)
        tour.note(f"evaluated {learner}", tour.photograph(f"evaluate-{learner}"),
                  rests_on=shown.record.rests_on.value)  # fmt: skip
    before = page.kpis["recall"].accessibleDescription()
    target = min(0.95, session.evaluations.current.evaluation.report.threshold + 0.3)
    page.slider.setValue(round(target * 1000))
    tour.wait("the numbers at another threshold",
              lambda: abs(page._report.threshold - target) < 0.002, 20)  # fmt: skip
    after = page.kpis["recall"].accessibleDescription()
    tour.note("threshold moved", tour.photograph("evaluate-threshold"), before=before, after=after)


def approve(tour: Tour, scratch: Path) -> None:
    """The gate, and the approval with who and why."""
    window, session = tour.app.window, tour.app.session
    version = next(v for v in session.models.versions if v.learner == "cnn")
    session.show_requested.emit("models", version.label)
    page = window.workspaces["models"]
    tour.wait("the model card", lambda: page._detail is not None
              and page._detail.version.label == version.label, 20)  # fmt: skip
    tour.note("gate", tour.photograph("models-candidate"))
    page.change_stage(Stage.APPROVED, WHO, WHY)
    tour.wait("the approval", lambda: bool(session.models.approved()), 20)
    tour.rest(0.5)
    tour.note("approved", tour.photograph("models-approved"), model=version.label)


def _test_image(tour: Tour) -> Path:
    """A positive image of the test part."""
    record = next(r for r in tour.app.session.cohorts.records if r.folder.name == "chest-x-ray")
    split = record.split
    cases = [
        c for c in record.cohort.cases
        if split is not None and split.roles.get(c.case_id) is Role.TEST
        and c.label == record.cohort.positive
    ]  # fmt: skip
    if not cases:
        raise JobFailedError("The test part holds no positive case.")
    return Path(cases[0].items[0].path)


def predict(tour: Tour, scratch: Path) -> None:
    """The approved model on a patient it never saw, with the attribution overlay."""
    window, session = tour.app.window, tour.app.session
    review = window.workspaces["review"]
    picture = _test_image(tour)
    before = review.model.key
    window.open_paths([picture])
    tour.wait("the image", lambda: review.model.key != before and review.model.volume is not None
              and bool(review.model.volume.ready.all()), 30)  # fmt: skip
    tour.wait("an approved model", lambda: bool(review.ai_panel.chosen), 10)
    review.show_tab("findings")
    answers: list[Any] = []
    session.models.predicted.connect(answers.append)
    begin = time.monotonic()
    tour.trigger("medbench.review.run_ai")
    tour.wait("the prediction", lambda: bool(answers), 60)
    tour.timings["predict_s"] = round(time.monotonic() - begin, 3)
    if review.model.overlay is None:
        raise JobFailedError("There is no attribution overlay.")
    found = answers[0].prediction
    tour.note(
        "prediction with overlay", tour.photograph("review-ai"), model=found.model,
        scores=list(found.scores), decision=found.decision, in_distribution=found.in_distribution,
        weights_sha256=found.weights_sha256,
    )  # fmt: skip


def learn_from_it(tour: Tour, scratch: Path) -> None:
    """The reader's own label goes to a cohort: the loop closes."""
    review, session = tour.app.window.workspaces["review"], tour.app.session
    review.ai_panel.cohort_field.setEditText("reader-corrections")
    review.ai_panel.label_field.setText("opacity")
    review.ai_panel.add_button.click()
    tour.wait("the labelled case", lambda: any(
        r.folder.name == "reader-corrections" for r in session.cohorts.records), 20)  # fmt: skip
    tour.app.window.show_page("cohorts")
    session.cohorts.select("reader-corrections")
    tour.rest(0.5)
    tour.note("added to a cohort", tour.photograph("cohorts-corrections"))
    tour.app.window.show_page("jobs")
    tour.note("jobs", tour.photograph("jobs"))


STEPS: tuple[Callable[[Tour, Path], None], ...] = (
    start, open_study, planes, ecg, image_cohort, train_cnn, train_svm, evaluate, approve, predict,
    learn_from_it,
)  # fmt: skip
