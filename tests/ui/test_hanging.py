"""Hanging protocols in the window: saved from the wall, applied by themselves, edited, shared."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.geometry import Geometry
from medbench.domain.hanging import HangingMatch
from medbench.domain.image import VoiWindow
from medbench.imaging.oblique import SlabMode
from medbench.imaging.reslice import PlaneKind
from medbench.imaging.slab import Slab
from medbench.session.operations.hanging import read_rules
from medbench.ui.review.hanging.desk import HangingDesk
from medbench.ui.review.hanging.editor import HangingDialog
from medbench.ui.review.hanging.save_dialog import SaveLayoutDialog


def write_study(folder, patient_id, date="20200121", names=("Head bone", "Head soft")):
    voxels = np.full((12, 40, 48), -1000, np.int16)
    voxels[:, 10:30, 12:36] = 40
    geometry = Geometry((12, 40, 48), (3.0, 2.0, 2.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    patient = SimulatedPatient(patient_id, f"Sample^{patient_id}", study_date=date)
    for number, name in enumerate(names, 1):
        write_ct_series(
            folder / f"{patient_id}-{date}" / str(number), voxels, geometry,
            replace(patient, study_description="Head"), description=name, series_number=number,
        )  # fmt: skip
    return folder / f"{patient_id}-{date}"


def desk_of(app):
    page = app.window.workspaces["review"]
    return page, next(f for f in page.features if isinstance(f, HangingDesk))


def opened(app, wait, path):
    page, desk = desk_of(app)
    known = len(app.session.library.studies)
    app.window.open_paths([path])
    wait(lambda: len(app.session.library.studies) > known)
    settled(app, wait, desk)
    return page, desk


def settled(app, wait, desk):
    for _ in range(3):
        app.qt.processEvents()
    wait(lambda: not desk._soon.isActive())
    wait(lambda: all(screen.loaded for screen in desk.page.showing.screens))


def key(app, name, modifier=Qt.KeyboardModifier.NoModifier):
    app.window.activateWindow()
    app.qt.processEvents()
    QTest.keyClick(app.window, name, modifier)
    app.qt.processEvents()


def on_wall(page):
    return [
        (cell.screen.display.description if cell.screen.display else "", cell.kind)
        for cell in page.showing.cells
    ]


def hang_up(page, app, wait, desk):
    """1 x 2: bone as it is, and a coronal slab of the soft series in its own window."""
    page.showing.set_grid(1, 2)
    settled(app, wait, desk)
    soft = next(c for c in page.showing.cells if "soft" in c.screen.display.description)
    bone = next(c for c in page.showing.cells if "bone" in c.screen.display.description)
    bone.screen.model.set_voi(VoiWindow(480.0, 2500.0))  # the preset Bone
    soft.screen.model.set_voi(VoiWindow(35.0, 90.0))
    page.showing.change_kind(page.showing.widget(soft), "coronal")
    soft.screen.model.plane_state.set_slab(PlaneKind.CORONAL, Slab(SlabMode.MAXIMUM, 6.0))
    page.sync.set_on(on=True)
    settled(app, wait, desk)


def save(app, wait, desk, name="Head pair"):
    key(app, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    wait(lambda: isinstance(desk.dialog, SaveLayoutDialog))
    dialog = desk.dialog
    dialog.name.setText("")
    assert not dialog.ok.isEnabled()
    QTest.keyClicks(dialog.name, name)
    suggested = dialog.form.match
    QTest.mouseClick(dialog.ok, Qt.MouseButton.LeftButton)
    wait(lambda: desk.dialog is None)
    return suggested


def test_a_layout_is_saved_and_comes_back_for_the_next_patient(app, wait, tmp_path):
    page, desk = opened(app, wait, write_study(tmp_path, "A"))
    assert not desk.hanging_bar.isVisible()
    assert len(page.showing.cells) == 1
    hang_up(page, app, wait, desk)
    before = on_wall(page)
    suggested = save(app, wait, desk)
    assert suggested == HangingMatch("CT", "head")
    assert desk.hanging_bar.chip.text() == "Layout: Head pair"
    rule = app.session.hanging.rules[0]
    (stage,) = rule.stages
    assert (stage.rows, stage.columns, stage.synchronised) == (1, 2, True)
    bone = next(c for c in stage.cells if c.selector.words == ("bone",))
    soft = next(c for c in stage.cells if c.selector.words == ("soft",))
    assert (bone.preset, bone.window, bone.kind) == ("ct-bone", None, "acquired")
    assert (soft.preset, soft.window, soft.kind) == ("", (35.0, 90.0), "coronal")
    assert (soft.slab_mm, soft.slab_mode) == (6.0, "maximum")
    # another patient, whose series have other numbers
    opened(app, wait, write_study(tmp_path, "B", names=("scout", "Head 2 soft", "Head 2 bone")))
    wait(lambda: desk.rule is not None and len(page.showing.cells) == 2)
    settled(app, wait, desk)
    names = [(name.replace("2 ", ""), kind) for name, kind in on_wall(page)]
    assert names == before
    assert desk.hanging_bar.isVisible()
    assert page.sync.on
    for cell in page.showing.cells:
        model = cell.screen.model
        wide = (480.0, 2500.0) if "bone" in model.display.description else (35.0, 90.0)
        assert (model.window.center, model.window.width) == wide
        if "soft" in model.display.description:
            assert model.plane_state.slab(PlaneKind.CORONAL) == Slab(SlabMode.MAXIMUM, 6.0)
    # the way back
    QTest.mouseClick(desk.hanging_bar.undo, Qt.MouseButton.LeftButton)
    settled(app, wait, desk)
    assert len(page.showing.cells) == 1
    assert not desk.hanging_bar.isVisible()
    page.actions_registry.action("medbench.review.apply_rule").trigger()
    settled(app, wait, desk)
    assert len(page.showing.cells) == 2
    # a study that no rule is for stays as it is opened
    other = write_study(tmp_path, "C", names=("Knee",))
    app.session.hanging.put(replace(rule, match=HangingMatch("CT", "knee")), "other")
    app.session.hanging.put(replace(rule, enabled=False), "off")
    opened(app, wait, other)
    assert len(page.showing.cells) == 1
    assert not desk.hanging_bar.isVisible()


def test_stages_by_keys(app, wait, tmp_path):
    page, desk = opened(app, wait, write_study(tmp_path, "A"))
    page.showing.set_grid(1, 2)
    settled(app, wait, desk)
    save(app, wait, desk, "Pair")
    page.showing.set_grid(2, 2)
    page.showing.set_grid(1, 1)
    settled(app, wait, desk)
    page.actions_registry.action("medbench.review.save_layout").trigger()
    wait(lambda: desk.dialog is not None)
    desk.dialog.target.setCurrentIndex(desk.dialog.target.findData("stage"))
    assert not desk.dialog.form.isEnabled()
    desk.dialog.name.setText("Alone")
    QTest.mouseClick(desk.dialog.ok, Qt.MouseButton.LeftButton)
    wait(lambda: desk.dialog is None)
    assert [s.name for s in desk.rule.stages] == ["", "Alone"]
    assert desk.hanging_bar.stage.text() == "2 / 2"
    key(app, Qt.Key.Key_Period)
    settled(app, wait, desk)
    assert (len(page.showing.cells), desk.hanging_bar.stage.text()) == (2, "1 / 2")
    key(app, Qt.Key.Key_Comma)
    settled(app, wait, desk)
    assert (len(page.showing.cells), desk.hanging_bar.stage.text()) == (1, "2 / 2")


def test_a_rule_with_a_prior(app, wait, tmp_path):
    folder = tmp_path / "p"
    write_study(folder, "A", "20190101", ("Head soft",))
    now = write_study(folder, "A", "20200121", ("Head soft",))
    page, desk = opened(app, wait, folder)
    study = next(s for s in app.session.library.studies if s.study_date == "2020-01-21")
    page.show_display(study.series[0].displays[0])
    beside = page.actions_registry.action("medbench.review.open_prior")
    wait(beside.isEnabled)
    beside.trigger()
    app.session.priors.cancel()
    settled(app, wait, desk)
    suggested = save(app, wait, desk, "With prior")
    assert suggested.prior is True
    rule = app.session.hanging.rules[0]
    assert [c.selector.prior for c in rule.stages[0].cells] == [False, True]
    app.session.library.close_all()
    opened(app, wait, now)
    assert desk.rule is None
    app.session.library.close_all()
    opened(app, wait, folder)
    page.show_display(study.series[0].displays[0])
    settled(app, wait, desk)
    wait(lambda: desk.rule is not None)
    dates = [page.study_of(c.screen.display).study_date for c in page.showing.cells]
    assert dates == ["2020-01-21", "2019-01-01"]
    app.session.priors.cancel()
    wait(lambda: app.session.priors.aligning is None)


@pytest.fixture
def dialog(app, wait):
    page, desk = desk_of(app)
    page.actions_registry.action("medbench.review.edit_rules").trigger()
    wait(lambda: isinstance(desk.dialog, HangingDialog))
    yield desk.dialog
    if desk.dialog is not None:
        desk.dialog.close()
    wait(lambda: desk.dialog is None)


def names(app):
    return [rule.name for rule in app.session.hanging.rules]


def click(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_list_of_rules_is_edited_and_undone(app, wait, dialog, tmp_path):
    book = app.session.hanging
    first = names(app)
    assert [dialog.rules.item(i).text() for i in range(dialog.rules.count())] == first
    assert dialog.rules.item(0).checkState() is Qt.CheckState.Unchecked
    dialog.rules.item(0).setCheckState(Qt.CheckState.Checked)
    assert book.rules[0].enabled
    dialog.rules.setCurrentRow(1)
    click(dialog.up)
    assert names(app)[:2] == [first[1], first[0]]
    assert dialog.rules.currentRow() == 0
    click(dialog.down)
    assert names(app) == first
    dialog.name.setFocus()
    dialog.name.selectAll()
    QTest.keyClicks(dialog.name, "Brain at my desk")
    QTest.keyClick(dialog.name, Qt.Key.Key_Tab)
    dialog.name.editingFinished.emit()
    assert names(app)[1] == "Brain at my desk"
    assert not book.rules[1].shipped
    dialog.form.words.setText("tumour,  follow  up")
    dialog.form.words.editingFinished.emit()
    dialog.form.prior.setCurrentIndex(1)
    dialog.form.least.setValue(2)
    match = book.rules[1].match
    assert (match.words, match.prior, match.least_series) == (("tumour", "follow up"), True, 2)
    dialog.rules.setCurrentRow(0)
    assert dialog.stages.count() == 2
    dialog.stages.setCurrentRow(1)
    click(dialog.stage_up)
    assert book.rules[0].stages[0].name == "Bone"
    dialog.stages.setCurrentRow(0)
    click(dialog.stage_delete)
    assert len(book.rules[0].stages) == 1
    assert not dialog.stage_delete.isEnabled()
    click(dialog.copy)
    assert names(app)[0] == "Copy of CT chest"
    dialog.rules.setCurrentRow(0)
    click(dialog.delete)
    assert names(app)[0] == "CT chest"
    app.session.history.undo()
    assert names(app)[0] == "Copy of CT chest"
    app.session.history.redo()
    assert names(app)[0] == "CT chest"
    click(dialog.shipped_button)
    assert names(app)[:2] == ["CT chest", "MR brain"]
    stored = app.session.workspace_path / "hanging.json"
    wait(lambda: stored.exists() and read_rules(stored) == book.rules)


def test_export_import_and_damage(app, wait, dialog, tmp_path, monkeypatch):
    from PySide6.QtWidgets import QFileDialog

    book, file = app.session.hanging, tmp_path / "shared.json"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    click(dialog.export_button)
    wait(file.exists)
    rules = book.rules
    wait(lambda: [r.name for r in read_rules(file)] == names(app))
    book.set_rules(rules[1:], "less")
    click(dialog.import_button)
    wait(lambda: len(book.rules) == len(rules))
    assert names(app)[0] == rules[0].name
    value = json.loads(file.read_text(encoding="utf-8"))
    value["rules"][1]["stages"][0]["cells"][2]["kind"] = "upside down"
    file.write_text(json.dumps(value), encoding="utf-8")
    click(dialog.import_button)
    wait(lambda: any("Nothing was imported" in m.text for m in app.session.messages.log))
    said = app.session.messages.log[-1]
    assert "shared.json: Rule 2 (MR brain), stage 1, cell 3: 'kind' must be one of" in said.advice
    assert len(book.rules) == len(rules)


def test_a_damaged_workspace_file_is_kept_aside(app, wait):
    file = app.session.workspace_path / "hanging.json"
    file.write_text("{", encoding="utf-8")
    assert [r.rule_id for r in app.session.hanging.rules][:1] == ["ct-chest"]
    assert (file.parent / "hanging.damaged.json").read_text(encoding="utf-8") == "{"
    said = app.session.messages.log[-1]
    assert "cannot be read" in said.text
    assert "hanging.json is no JSON" in said.advice


@pytest.mark.real_data
def test_the_brain_example_on_a_real_study(app, wait, real_data):
    book = app.session.hanging
    brain = book.get("mr-brain")
    book.put(replace(brain, enabled=True), "on")
    page, desk = opened(app, wait, real_data / "dicom_series" / "mr_brain_tumour_multiseq_study3")
    wait(lambda: desk.rule is not None)
    settled(app, wait, desk)
    assert [name for name, _ in on_wall(page)] == ["T1post", "T2_reg", "FLAIR_reg", ""]
    assert (page.wall.rows, page.wall.columns) == (2, 2)
    assert page.sync.on
    stacks = [cell.screen.stack for cell in page.showing.cells[:3]]
    stacks[0].set_index(7)
    assert [stack.index for stack in stacks] == [7, 7, 7]
