"""Findings: suggestions accepted, edited and rejected by key and hand; lists, report, status."""

import json
import math

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from scipy import ndimage

from medbench.cli.main import main
from medbench.dicom.write import SimulatedPatient, write_radiograph
from medbench.domain.finding import Certainty, Finding, Origin, ReadingState, Verdict
from medbench.domain.measurement import Measurement, MeasurementKind, Quantity
from medbench.domain.model import Prediction
from medbench.imaging.contours import inside_polygon
from medbench.imaging.reslice import PlaneKind
from medbench.registry.workspace import Workspace
from medbench.session.model_shelf import PredictionView
from medbench.ui.review.findings.desk import FindingDesk
from medbench.ui.review.findings.dialogs import ReaderDialog, RejectDialog

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
ROWS, COLUMNS = 80, 90


class Reading:
    """The window with pictures open, and short words for what a reader does."""

    def __init__(self, app, wait, paths, reader="Anna Frey"):
        self.app, self.wait = app, wait
        app.session.settings.change(reader=reader)
        app.window.open_paths(paths)
        self.page = app.window.workspaces["review"]
        wait(self.loaded)
        self.page.show_tab("findings")
        self.desk = next(f for f in self.page.features if isinstance(f, FindingDesk))
        self.book = app.session.findings
        app.qt.processEvents()

    def loaded(self):
        volume = self.page.model.volume
        return volume is not None and bool(volume.ready.all())

    def show(self, study):
        display = study.series[0].displays[0]
        self.page.show_display(display)
        self.wait(lambda: self.page.model.display == display and self.loaded())

    @property
    def study(self):
        return self.desk.study

    @property
    def view(self):
        return self.page.active

    def key(self, key, keys=NONE):
        self.app.window.activateWindow()  # keys reach commands only in the active window
        self.app.qt.processEvents()
        QTest.keyClick(self.view, key, keys)
        self.app.qt.processEvents()

    def at(self, place):
        return self.view.widget_position(*place).toPoint()

    def drag(self, places):
        """Press at the first place of the picture, move over the others, release."""
        points = [self.at(p) for p in places]
        QTest.mousePress(self.view, LEFT, NONE, points[0])
        for point in points[1:]:
            QTest.mouseMove(self.view, point)
        QTest.mouseRelease(self.view, LEFT, NONE, points[-1])
        self.app.qt.processEvents()

    def answer(self, score=0.78, heat=None, weights="ab" * 32, inside=True, percentile=61.0):
        """A model's answer arrives for the shown picture."""
        kept = []
        self.book.result_stored.connect(kept.append)
        prediction = Prediction(
            "cxr/4", weights, "x", ("clear", "opacity"), (1 - score, score), True, 0.42, 1,
            "opacity" if score >= 0.42 else "clear", inside, percentile, stage="approved",
        )  # fmt: skip
        key = f"{self.page.model.key}#{self.page.stack.index}"
        self.app.session.models.predicted.emit(PredictionView(key, prediction, heat))
        self.wait(lambda: kept)
        self.book.result_stored.disconnect(kept.append)
        self.app.qt.processEvents()
        return kept[0]

    def findings(self):
        return self.book.findings(self.study.study_instance_uid)

    def audit(self, count):
        """Entries about suggestions, once so many are written; the chain must hold."""
        folder = self.app.session.workspace_path
        found = []

        def written():
            with Workspace(folder) as workspace:
                found[:] = [e for e in workspace.audit.entries() if e["event"].startswith("ai-")]
            return len(found) >= count

        self.wait(written)
        with Workspace(folder) as workspace:
            workspace.audit.verify()
        assert len(found) == count
        return found

    def action(self, name):
        return self.app.actions_registry.action(f"medbench.review.{name}")

    def dialog(self, kind):
        self.wait(lambda: isinstance(QApplication.activeModalWidget(), kind))
        return QApplication.activeModalWidget()


@pytest.fixture
def one(app, wait, radiograph):
    return Reading(app, wait, [radiograph])


@pytest.fixture
def patient(app, wait, tmp_path):
    """Two chest pictures of one patient."""
    picture = np.tile(np.linspace(0, 4000, COLUMNS).astype(np.uint16), (ROWS, 1))
    for i, date in enumerate(("20200211", "20200304")):
        person = SimulatedPatient("SIM-7", "Sample^Lena", "F", "19620101", "", date)
        write_radiograph(tmp_path / "in" / f"{i}.dcm", picture, person, key=date)
    reading = Reading(app, wait, [tmp_path / "in"])
    reading.old, reading.new = sorted(app.session.library.studies, key=lambda s: s.study_date)
    reading.show(reading.new)
    return reading


def bumps():
    """Two hot places: a large one low on the left of the picture, a smaller one on its right."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    heat = np.exp(-((y - 60) ** 2 + (x - 22) ** 2) / 120)
    return (heat + 0.8 * np.exp(-((y - 62) ** 2 + (x - 70) ** 2) / 50)).astype(np.float32)


def filled(outline, shape=(ROWS, COLUMNS)):
    rows, columns = np.indices(shape)
    points = np.stack([rows.ravel(), columns.ravel()], axis=1).astype(float)
    return inside_polygon(points, np.asarray(outline)).reshape(shape)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_accepting_copies_the_mark_and_leaves_a_trace(one):
    heat = bumps()
    result = one.answer(heat=heat)
    assert [r.place for r in result.regions] == ["right lower zone", "left lower zone"]
    parts, count = ndimage.label(heat >= heat.max() / 2)
    assert count == 2
    one.key(Qt.Key.Key_Return, CTRL)
    (first,) = one.findings()
    assert dice(filled(first.outline), parts == parts[60, 22]) > 0.97
    assert first.origin is Origin.AI_ACCEPTED
    assert first.ai_seen_first
    assert (first.reader, first.label, first.place) == ("Anna Frey", "opacity", "right lower zone")
    assert (first.ai.model, first.ai.weights_sha256, first.ai.score) == ("cxr/4", "ab" * 32, 0.78)
    one.key(Qt.Key.Key_Return, CTRL)  # the next mark of the same answer
    assert dice(filled(one.findings()[1].outline), parts == parts[62, 70]) > 0.95
    assert [f.tag for f in one.findings()] == ["F1", "F2"]
    assert not one.action("accept_suggestion").isEnabled()
    entries = one.audit(2)
    assert [e["event"] for e in entries] == ["ai-suggestion-accepted"] * 2
    assert {(e["model"], e["weights_sha256"], e["who"]) for e in entries} == {
        ("cxr/4", "ab" * 32, "Anna Frey")
    }
    # undo takes finding and decision back, and the audit keeps both
    suggestion = result.suggestions()[1]
    assert one.book.decision(suggestion).verdict is Verdict.ACCEPTED
    one.app.session.history.undo()
    assert one.findings() == (first,)
    assert one.book.decision(suggestion) is None
    assert one.action("accept_suggestion").isEnabled()
    one.app.session.history.redo()
    assert len(one.findings()) == 2
    entries = one.audit(4)[2:]
    assert [e["event"] for e in entries] == ["ai-decision-undone", "ai-suggestion-accepted"]
    assert entries[0]["undone"] == "ai-suggestion-accepted"
    assert entries[1]["redone"] is True


def test_the_card_says_what_must_be_known(one):
    result = one.answer(heat=bumps())
    card = one.desk.ai.card
    assert card.result == result
    assert card.number.text() == "78 %"
    assert card.side.text().endswith("Above threshold")
    assert "No test of this threshold is stored." in card.figures.text()
    assert {c.key: c.passed for c in result.checks} == {
        "view": True, "age": None, "exposure": True, "turned": True,
    }  # fmt: skip
    assert one.action("accept_suggestion").isEnabled()
    # outside the training range nothing can be accepted
    one.answer(heat=bumps(), inside=False, percentile=100.0)
    card = one.desk.ai.card
    assert not card.number.isEnabled()
    assert "Outside the training range" in card.refusal.text.text()
    assert not one.action("accept_suggestion").isEnabled()
    assert not one.action("edit_suggestion").isEnabled()
    assert one.action("reject_suggestion").isEnabled()
    one.key(Qt.Key.Key_Return, CTRL)
    assert one.findings() == ()
    assert "outside its training range" in one.desk.report.text
    assert "78" not in one.desk.report.text
    # below the threshold the absence is
    one.answer(score=0.1, heat=bumps())
    one.key(Qt.Key.Key_Return, CTRL)
    (finding,) = one.findings()
    assert finding.absent
    assert finding.outline == ()
    assert one.desk.report.text.startswith("Probably no opacity.")


def test_an_outline_is_redrawn_dropped_and_pulled(one):
    result = one.answer(heat=bumps())
    before = filled(result.regions[0].outline)
    one.key(Qt.Key.Key_E, CTRL)
    centre, radius = (60.0, 22.0), 9.1
    bulge = [
        (centre[0] - (radius + 8 * math.sin(math.pi * t)) * math.cos(a),
         centre[1] + (radius + 8 * math.sin(math.pi * t)) * math.sin(a))
        for t in np.linspace(0, 1, 24) for a in [math.pi / 4 + t * math.pi / 2]
    ]  # fmt: skip
    one.drag(bulge)
    now = filled(one.desk.marks.editing.points)
    assert now[60, 37]
    assert not before[60, 37]
    assert (before & ~now).sum() < 0.1 * before.sum(), "the rest of the outline stays"
    QTest.keyClick(one.view, Qt.Key.Key_Escape)
    assert one.desk.marks.editing is None
    assert one.findings() == ()
    assert one.action("accept_suggestion").isEnabled()
    # a handle is pulled, Enter keeps the outline
    outline = result.regions[0].outline
    one.key(Qt.Key.Key_E, CTRL)
    editing = one.desk.marks.editing
    assert set(editing.points) <= set(outline)
    at = int(np.argmin([p[0] for p in editing.points]))
    top = editing.points[at]  # the topmost handle, pulled up by 15 pixels
    target = (top[0] - 15, top[1])
    one.drag([top, (top[0] - 6, top[1]), target])
    assert editing.points[at] == pytest.approx(target, abs=0.3)
    QTest.keyClick(one.view, Qt.Key.Key_Return)
    (finding,) = one.findings()
    assert finding.origin is Origin.AI_EDITED
    assert filled(finding.outline).sum() > before.sum() + 20
    assert one.audit(1)[0]["event"] == "ai-suggestion-edited"


def test_rejecting_needs_a_reason_and_accepting_a_name(one):
    one.answer(heat=bumps())
    one.key(Qt.Key.Key_Backspace, CTRL)
    dialog = one.dialog(RejectDialog)
    assert not dialog.ok.isEnabled()
    dialog.choose("other")
    assert not dialog.ok.isEnabled(), "'other' needs words"
    QTest.keyClicks(dialog.note, "skin fold")
    assert dialog.ok.isEnabled()
    QTest.mouseClick(dialog.ok, LEFT)
    one.app.qt.processEvents()
    result = one.book.results(one.study.study_instance_uid)[0]
    first, second = result.suggestions()
    decision = one.book.decision(first)
    assert (decision.verdict, decision.reason, decision.note) == (
        Verdict.REJECTED, "other", "skin fold",
    )  # fmt: skip
    assert one.findings() == ()
    assert one.desk.suggestion == second
    entry = one.audit(1)[0]
    assert (entry["event"], entry["reason"], entry["note"]) == (
        "ai-suggestion-rejected", "other", "skin fold",
    )  # fmt: skip
    # a reader without a name is asked once
    one.app.session.settings.change(reader="")
    one.key(Qt.Key.Key_Return, CTRL)
    dialog = one.dialog(ReaderDialog)
    assert not dialog.ok.isEnabled()
    assert one.findings() == ()
    QTest.keyClicks(dialog.field, "Bea Lang")
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    one.app.qt.processEvents()
    assert [f.reader for f in one.findings()] == ["Bea Lang"]
    assert one.app.window.top_bar.reader.text() == "BL"
    one.key(Qt.Key.Key_N, SHIFT)
    assert [f.reader for f in one.findings()] == ["Bea Lang"] * 2


def test_the_queue_leads_on_and_scores_make_a_line(patient):
    patient.answer(score=0.9, heat=bumps())
    patient.show(patient.old)
    near = patient.answer(score=0.44, heat=None)
    patient.show(patient.new)
    assert [s.uncertainty for s in patient.desk.queue()] == pytest.approx([0.02, 0.48, 0.48])
    patient.key(Qt.Key.Key_Down, CTRL)
    assert patient.desk.suggestion.number == 1, "the other mark of the same picture"
    patient.key(Qt.Key.Key_Down, CTRL)
    patient.wait(lambda: patient.study == patient.old)
    assert patient.desk.suggestion.result == near
    patient.key(Qt.Key.Key_Down, CTRL)
    patient.wait(lambda: patient.study == patient.new)
    # scores of one version make a line
    card = patient.desk.score_card
    patient.answer(score=0.78)
    patient.show(patient.old)
    patient.answer(score=0.12)
    patient.show(patient.new)
    assert card.isVisibleTo(patient.page.window())
    assert card.words.text().endswith("New since 2020-02-11")
    assert card.line.accessibleDescription() == "2020-02-11 0.12; 2020-03-04 0.78"
    patient.answer(score=0.8, weights="cd" * 32)  # other weights cannot be compared
    assert not card.isVisibleTo(patient.page.window())


def test_after_a_restart_all_is_there_and_closed_studies_count(patient, qapp, wait, tmp_path):
    from medbench.app.bootstrap import build_app

    for study, score in ((patient.old, 0.6), (patient.new, 0.2)):
        patient.show(study)
        patient.answer(score=score, heat=bumps())
    patient.key(Qt.Key.Key_Return, CTRL)
    expected = patient.findings()
    assert len(expected) == 1
    patient.app.close()
    again = build_app(tmp_path / "workspace")
    again.window.show()
    try:
        reading = Reading(again, wait, [tmp_path / "in" / "1.dcm"])
        card = reading.desk.score_card
        wait(lambda: card.words.text().endswith("Gone since 2020-02-11"))
        assert card.line.accessibleDescription() == "2020-02-11 0.60; 2020-03-04 0.20"
        assert reading.findings() == expected
        assert reading.desk.report.text.startswith("Probably no opacity.")
        assert not reading.action("accept_suggestion").isEnabled()
    finally:
        again.close()
        again.window.deleteLater()
        qapp.processEvents()


def test_a_finding_is_drawn_typed_and_weighed(one):
    one.key(Qt.Key.Key_Y)
    assert one.page.toolbox.current == "finding"
    ring = [(30 + 12 * math.sin(a), 60 + 18 * math.cos(a)) for a in np.linspace(0, 6.2, 40)]
    one.drag(ring)
    (finding,) = one.findings()
    ellipse = ((np.indices((ROWS, COLUMNS)) - np.array([30, 60])[:, None, None]) ** 2
               / np.array([12.0**2, 18.0**2])[:, None, None]).sum(axis=0) <= 1  # fmt: skip
    assert dice(filled(finding.outline), ellipse) > 0.97
    assert finding.place == "left middle zone"
    assert not finding.ai_seen_first
    row = one.desk.list.rows[finding.finding_id]
    QTest.keyClicks(row.text_field, "Patchy opacity")
    QTest.keyClick(row.text_field, Qt.Key.Key_Return)
    assert one.desk.report.text.startswith("Patchy opacity in the left middle zone, probable.")
    QTest.mouseClick(row.bars, LEFT)
    QTest.keyClick(row.bars, Qt.Key.Key_Right)
    assert one.findings()[0].certainty is Certainty.POSSIBLE  # probable, definite, round again
    assert one.desk.report.text.startswith("Possible patchy opacity in the left middle zone.")
    one.app.session.history.undo()
    assert one.findings()[0].certainty is Certainty.DEFINITE
    QTest.keyClick(row, Qt.Key.Key_Delete)
    assert one.findings() == ()
    assert one.desk.report.text == ""
    one.app.session.history.undo()
    assert one.findings()[0].text == "Patchy opacity"
    before = one.view.grab().toImage()
    one.app.session.history.undo()
    assert one.view.grab().toImage() == before, "certainty is not drawn"


def test_tags_select_and_who_came_first_is_remembered(one):
    one.key(Qt.Key.Key_Y)
    one.drag([(30, 30), (30.4, 30.3), (30.1, 30.2)])
    assert one.findings() == (), "a slip of the hand"
    one.drag([(20, 20), (20, 40), (40, 40), (40, 20)])
    one.drag([(20, 60), (20, 80), (40, 80), (40, 60)])
    first, second = one.findings()
    assert one.desk.chosen == second.finding_id
    one.view.grab()
    boxes = {i: box for box, i in one.desk.marks._tags[id(one.view)]}
    QTest.mouseClick(one.view, LEFT, NONE, boxes[first.finding_id].center().toPoint())
    assert one.desk.chosen == first.finding_id
    assert len(one.findings()) == 2
    one.answer(heat=bumps())
    one.key(Qt.Key.Key_N, SHIFT)
    assert [f.ai_seen_first for f in one.findings()] == [False, False, True]


def test_a_linked_measurement_gives_the_size(one):
    one.key(Qt.Key.Key_N, SHIFT)
    (finding,) = one.findings()
    numbers = (Quantity("length", 12.34, "mm", "mm at detector"),)
    measurement = Measurement("m1", MeasurementKind.LENGTH, finding.site, ((0, 0), (5, 5)), numbers)
    one.app.session.readings.put(measurement, "Length")
    row = one.desk.list.rows[finding.finding_id]
    row.text_field.setText("Nodule")
    QTest.keyClick(row.text_field, Qt.Key.Key_Return)
    row.show_finding(one.findings()[0])
    row.link.setCurrentIndex(row.link.findData("m1"))
    row.link.activated.emit(row.link.currentIndex())
    assert one.findings()[0].measurement_ids == ("m1",)
    assert one.desk.report.text.splitlines()[0] == "Nodule, 12.3 mm at detector, probable."


def test_the_readers_report_stays_and_is_the_same_everywhere(one, tmp_path, capsys):
    one.key(Qt.Key.Key_N, SHIFT)
    row = next(iter(one.desk.list.rows.values()))
    QTest.keyClicks(row.text_field, "Opacity")
    QTest.keyClick(row.text_field, Qt.Key.Key_Return)
    block = one.desk.report
    block.move_to_end()
    QTest.keyClick(block.edit, Qt.Key.Key_Return)
    QTest.keyClicks(block.edit, "Seen with Dr Y.")  # letters of commands are letters here
    assert one.page.toolbox.current != "finding"
    one.wait(lambda: "Paragraphs of your own: 1" in block.note.text())
    QTest.mouseClick(row.bars, LEFT)
    lines = block.text.splitlines()
    assert lines[0] == "Opacity."
    assert lines[-1] == "Seen with Dr Y."
    one.action("copy_report").trigger()
    assert QGuiApplication.clipboard().text() == block.text
    block.write_to(tmp_path / "r.md")
    assert (tmp_path / "r.md").read_text(encoding="utf-8") == (
        "# Report text\n\n> Research use, not for diagnosis.\n\n" + "\n\n".join(lines) + "\n"
    )
    block.write_to(tmp_path / "r")
    assert (tmp_path / "r.txt").read_text(encoding="utf-8") == block.text + "\n"
    saved = []
    one.app.session.readings.saved.connect(lambda: saved.append(1))
    one.key(Qt.Key.Key_Slash)
    one.wait(lambda: saved)
    workspace, uid = str(one.app.session.workspace_path), one.study.study_instance_uid
    capsys.readouterr()
    assert main(["findings", "--workspace", workspace, "--study", uid, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["studies"]
    assert told["report"] == block.text
    assert told["status"]["state"] == "reviewed"
    assert [f["text"] for f in told["findings"]] == ["Opacity"]
    assert main(["findings", "--workspace", workspace, "--study", "1.2.3"]) == 2
    assert "holds nothing about the study" in capsys.readouterr().err


def test_a_paragraph_taken_out_stays_out_until_composed_again(one):
    one.answer(heat=bumps())
    one.key(Qt.Key.Key_Return, CTRL)
    block = one.desk.report
    first = block.text.splitlines()[0]
    cursor = block.edit.textCursor()
    cursor.movePosition(cursor.MoveOperation.Start)
    cursor.movePosition(cursor.MoveOperation.NextBlock, cursor.MoveMode.KeepAnchor)
    block.edit.setTextCursor(cursor)
    block.edit.setFocus()
    QTest.keyClick(block.edit, Qt.Key.Key_Delete)
    one.wait(lambda: "taken out: 1" in block.note.text())
    one.key(Qt.Key.Key_Return, CTRL)
    assert first not in block.text
    assert "left lower zone" in block.text
    QTest.mouseClick(block.again, LEFT)
    assert block.text.splitlines()[0] == first


def test_reading_status_by_key(patient):
    page, book = patient.page, patient.book

    def shown(study):
        rows = [i for i, r in enumerate(page.browser.model.rows)
                if r.kind == "study" and r.study == study]  # fmt: skip
        return page.browser.model.data(page.browser.model.index(rows[0])) if rows else None

    assert shown(patient.new).endswith("Unread"), "opening is not reading"
    patient.key(Qt.Key.Key_Slash)
    status = book.status(patient.new.study_instance_uid)
    assert (status.state, status.reader) == (ReadingState.REVIEWED, "Anna Frey")
    assert status.when
    assert shown(patient.new).endswith("Reviewed")
    patient.key(Qt.Key.Key_Backslash)
    assert shown(patient.new).endswith("Reported")
    assert shown(patient.old).endswith("Unread")
    box = page.browser.state_filter
    box.setCurrentIndex(box.findData("reported"))
    assert shown(patient.old) is None
    patient.app.session.history.undo()
    patient.app.qt.processEvents()
    assert book.status(patient.new.study_instance_uid).state is ReadingState.REVIEWED
    assert shown(patient.new) is None
    box.setCurrentIndex(0)
    patient.key(Qt.Key.Key_Slash, CTRL)
    assert shown(patient.new).endswith("Unread")


def test_each_frame_has_its_own_answer(app, wait, ct_folder):
    one = Reading(app, wait, [ct_folder])
    stack = one.page.stack
    first = stack.index
    here = one.answer(score=0.9)
    assert one.desk.ai.card.result == here
    stack.set_index(first + 2)
    assert one.desk.ai.card is None
    there = one.answer(score=0.7)
    stack.set_index(first)
    assert one.desk.ai.card.result == here
    one.key(Qt.Key.Key_Down, CTRL)  # the least certain first
    assert stack.index == first + 2
    assert one.desk.ai.card.result == there


def test_a_real_chest_picture(app, wait, real_data):
    file = sorted((real_data / "cxr_nih_pneumonia" / "pneumonia").glob("*.jpg"))[7]
    one = Reading(app, wait, [file])
    rows, columns = one.page.model.volume.voxels.shape[1:3]
    y, x = np.mgrid[0:rows, 0:columns]
    heat = np.exp(-((y - 250) ** 2 / 2500 + (x - 120) ** 2 / 1600)).astype(np.float32)
    one.answer(heat=heat)
    one.key(Qt.Key.Key_Return, CTRL)
    (finding,) = one.findings()
    assert dice(filled(finding.outline, heat.shape), heat >= 0.5) > 0.98
    assert finding.place == "middle zone, left of the picture", "the file names no sides"
    before = one.view.grab().toImage()
    one.app.session.history.undo()
    assert one.view.grab().toImage() != before


def test_a_finding_on_a_plane_of_a_real_series(app, wait, real_data):
    folder = real_data / "dicom_series" / "mr_ge_pioneer_mprage"
    one = Reading(app, wait, [folder])
    one.action("toggle_mpr").trigger()
    coronal = one.page.viewports[PlaneKind.CORONAL]
    wait(lambda: coronal.isVisible() and coronal.plane is not None)
    QTest.mouseClick(coronal, LEFT, NONE, QPoint(5, 5))
    assert one.view is coronal
    rows, columns = coronal.plane.shape[1:]
    ring = [(rows / 2 + 15 * math.sin(a), columns / 2 + 20 * math.cos(a))
            for a in np.linspace(0, 6.2, 30)]  # fmt: skip
    one.key(Qt.Key.Key_Y)
    one.drag(ring)
    (finding,) = one.findings()
    assert finding.site.sop_instance_uid == ""
    assert finding.site.view == "coronal"
    centre = coronal.plane.point_of(coronal.index, rows / 2, columns / 2)
    from medbench.ui.review.findings.places import outline_on, points_on

    found = points_on(finding.site, finding.outline)
    assert found.mean(axis=0) == pytest.approx(np.asarray(centre), abs=1.0)
    assert outline_on(coronal, finding.site, finding.outline) is not None
    index = coronal.index
    coronal.set_index(index + 3)
    assert outline_on(coronal, finding.site, finding.outline) is None
    one.desk.jump_to(finding.site, finding.outline)
    assert coronal.index == index
    stored = app.session.readings.of(Finding)
    assert stored == (finding,)
