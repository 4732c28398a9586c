"""What is dropped on the window or chosen opens, or says why not."""

import gzip
import zipfile

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QLineEdit
from zip_cipher import encrypted

from medbench.session.scratch import Scratch
from medbench.ui.widgets.ask import PasswordDialog


def dropped(app, *urls):
    data = QMimeData()
    data.setUrls([QUrl(u) if isinstance(u, str) else QUrl.fromLocalFile(str(u)) for u in urls])
    event = QDropEvent(
        QPointF(300, 300), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    app.window.dropEvent(event)


def sources(app):
    return sorted(
        d.source for study in app.session.library.studies for s in study.series for d in s.displays
    )


def shown(app):
    volume = app.window.workspaces["review"].model.volume
    return volume is not None and volume.ready.all()


@pytest.fixture
def finished(app):
    """Results of scans, as they end."""
    results = []
    app.session.library.scan_finished.connect(results.append)
    return results


@pytest.fixture
def nrrd(tmp_path):
    voxels = np.tile(np.arange(60, dtype=np.uint8), (8, 40, 1))
    head = (
        "NRRD0005\ntype: uint8\ndimension: 3\nspace: left-posterior-superior\nsizes: 60 40 8\n"
        "space directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (0,0,0)\nencoding: gzip\n\n"
    )
    file = tmp_path / "volume.nrrd"
    file.write_bytes(head.encode() + gzip.compress(voxels.tobytes()))
    return file


def test_several_things_dropped_at_once(app, wait, ct_folder, nrrd, tmp_path, finished):
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "p.png")
    (tmp_path / "notes").write_text("no picture, and no ending either")
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as out:
        out.writestr("inner.png", (tmp_path / "p.png").read_bytes() + b"\0")
    dropped(app, ct_folder, nrrd, tmp_path / "p.png", tmp_path / "notes", tmp_path / "z.zip")
    wait(lambda: finished)
    assert sources(app) == ["dicom", "nrrd", "picture", "picture"]
    (skipped,) = app.session.library.skipped
    assert skipped.path.name == "notes"
    assert "not DICOM" in skipped.reason
    wait(lambda: shown(app))


def test_a_volume_file_is_shown(app, wait, nrrd):
    dropped(app, nrrd)
    wait(lambda: shown(app))
    volume = app.window.workspaces["review"].model.volume
    assert volume.display.source == "nrrd"
    assert volume.voxels.shape == (8, 40, 60)


def test_an_unknown_file_gets_its_reason(app, wait, tmp_path, finished):
    (tmp_path / "x").write_bytes(b"\x7fELF" + bytes(400))
    dropped(app, tmp_path / "x")
    wait(lambda: finished)
    assert app.session.library.studies == ()
    assert "not DICOM" in finished[0].skipped[0].reason


def test_what_is_not_on_this_computer_is_told(app):
    told = []
    app.session.messages.posted.connect(told.append)
    dropped(app, "https://example.org/a.dcm")
    assert "this computer" in told[0].text


def dialog_of(app):
    return next((d for d in app.window.findChildren(PasswordDialog) if d.isVisible()), None)


def answer(app, wait, text):
    wait(lambda: dialog_of(app) is not None)
    dialog = dialog_of(app)
    if text is None:
        dialog.reject()
    else:
        dialog.password.setText(text)
        dialog.ok.click()
    return dialog


def test_the_password_of_an_archive_is_asked_for_until_it_is_right(
    app, wait, ct_folder, tmp_path, finished
):
    files = [(f.name.encode(), f.read_bytes()) for f in sorted(ct_folder.glob("*"))[:3]]
    archive = encrypted(tmp_path / "secret.zip", files, b"open sesame")
    dropped(app, archive)
    dialog = answer(app, wait, "wrong")
    assert dialog.password.echoMode() is QLineEdit.EchoMode.Password
    wait(lambda: dialog_of(app) is not None and dialog_of(app) is not dialog)
    assert finished == []
    answer(app, wait, "open sesame")
    wait(lambda: finished)
    assert sources(app) == ["dicom"]
    wait(lambda: shown(app))
    unpacked = app.session.workspace_path / "unpacked"
    assert any(unpacked.rglob("*.dcm"))
    app.close()
    assert not any(unpacked.rglob("*.dcm")), "nothing unpacked stays behind"


def test_without_the_password_the_rest_opens(app, wait, ct_folder, tmp_path, finished):
    archive = encrypted(tmp_path / "secret.zip", [(b"a", b"b")], b"open sesame")
    dropped(app, archive, ct_folder)
    answer(app, wait, None)
    wait(lambda: finished)
    assert sources(app) == ["dicom"]
    assert "password" in app.session.library.skipped[0].reason
    wait(lambda: shown(app))


def test_a_folder_opened_again_comes_from_the_index(app, wait, ct_folder, finished, monkeypatch):
    from medbench.dicom import scan

    read = []
    original = scan.read_header
    monkeypatch.setattr(scan, "read_header", lambda path: read.append(path) or original(path))
    dropped(app, ct_folder)
    wait(lambda: len(finished) == 1)
    assert len(read) == 12
    dropped(app, ct_folder)
    wait(lambda: len(finished) == 2)
    assert len(read) == 12
    assert finished[0] == finished[1]
    wait(lambda: shown(app))


def test_unpacked_files_of_a_dead_process_are_removed(tmp_path):
    old = tmp_path / "unpacked" / "999999999"
    old.mkdir(parents=True)
    (old / "x.dcm").write_bytes(b"x")
    scratch = Scratch(tmp_path / "unpacked")
    folder = scratch.folder()
    assert not old.exists()
    assert folder.stat().st_mode & 0o077 == 0
    scratch.close()
    assert not folder.exists()


def test_a_slice_out_of_an_archive_stays_in_its_cohort(app, wait, ct_folder, tmp_path, finished):
    from medbench.cohorts.reading import CaseReader
    from medbench.cohorts.store import read_cohort

    with zipfile.ZipFile(tmp_path / "z.zip", "w") as out:
        out.write(sorted(ct_folder.glob("*.dcm"))[0], "a.dcm")
    dropped(app, tmp_path / "z.zip")
    wait(lambda: shown(app))
    page = app.window.workspaces["review"]
    page.ai_panel.cohort_field.setEditText("mine")
    page.ai_panel.label_field.setText("opacity")
    page.ai_panel.add_button.click()
    folder = app.session.workspace_path / "cohorts" / "mine"
    wait(lambda: (folder / "cohort.json").exists() and not app.lane.busy)
    app.close()
    cohort = read_cohort(folder)
    (case,) = cohort.cases
    assert CaseReader(cohort, folder).image(case).shape == (48, 64)


def test_opening_something_else_instead_of_answering(app, wait, ct_folder, tmp_path, finished):
    archive = encrypted(tmp_path / "secret.zip", [(b"a", b"b")], b"open sesame")
    dropped(app, archive)
    wait(lambda: dialog_of(app) is not None)
    dropped(app, ct_folder)
    wait(lambda: finished)
    answer(app, wait, "open sesame")
    wait(lambda: not app.session.jobs.running and shown(app))
    assert sources(app) == ["dicom"]
    assert len(finished) == 1
