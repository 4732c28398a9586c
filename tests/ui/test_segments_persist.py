"""What was painted is there again: after a restart, and after a kill in the middle of a stroke."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent
from segment_hand import Painter

from medbench.base.errors import IntegrityError
from medbench.domain.records import from_json
from medbench.domain.segment_edit import EditedSegmentation
from medbench.registry.reading_store import ReadingStore
from medbench.session.segment_files import packed_slices, read_labels

_SCRIPT = """
import sys, time
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests/ui"]
from medbench.app.bootstrap import build_app
from segment_hand import Painter
import numpy as np

app = build_app(Path(sys.argv[2]))
app.window.resize(1200, 800)
app.window.show()


def wait(ready):
    while not ready():
        app.qt.processEvents()
        time.sleep(0.005)


hand = Painter(app, wait).open(Path(sys.argv[3]))
view = hand.page.stack
hand.act("tool_brush")
for index, at in ((3, (10, 12)), (5, (24, 32)), (8, (30, 40))):
    view.set_index(index)
    hand.stroke(view, at, (at[0] + 4, at[1] + 8))
end = time.monotonic() + 1.0  # the reader draws breath
while time.monotonic() < end:
    app.qt.processEvents()
    time.sleep(0.005)
np.save(sys.argv[4], hand.labels)
hand.press(view, (5, 5), (5, 20), (20, 20))
print("painting", flush=True)
while True:
    hand.press(view, (6, 6), (40, 50))
"""


def stored(workspace):
    """Record and voxels of the one segmentation in a workspace."""
    with ReadingStore(workspace) as store:
        records = [r for r in store.read() if r.kind == EditedSegmentation.stored_as]
    assert len(records) == 1
    found = from_json(EditedSegmentation, records[0].body)
    return found, read_labels(workspace, found.segmentation_id, found.shape)


def test_a_kill_costs_no_more_than_the_running_stroke(ct_folder, tmp_path):
    root = Path(__file__).resolve().parents[2]
    workspace, copy = tmp_path / "killed", tmp_path / "labels.npy"
    run = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, str(root), str(workspace), str(ct_folder), str(copy)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "MEDBENCH_CONFIG": str(tmp_path / "config")},
    )  # fmt: skip
    assert run.stdout is not None
    try:
        assert run.stdout.readline().strip() == b"painting"
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
        run.stdout.close()
    found, labels = stored(workspace)
    painted = np.load(copy)
    assert set(np.nonzero(painted)[0].tolist()) == {3, 5, 8}
    assert np.array_equal(labels, painted)
    assert [s.label for s in found.segments] == ["Segment 1"]


def test_everything_is_there_again_after_a_restart(qapp, tmp_path, monkeypatch, wait, ct_folder):
    from medbench.app.bootstrap import build_app

    monkeypatch.setenv("MEDBENCH_CONFIG", str(tmp_path / "config"))
    workspace = tmp_path / "workspace"
    kept = None
    for start in range(2):
        app = build_app(workspace)
        app.window.resize(1200, 800)
        app.window.show()
        try:
            hand = Painter(app, wait).open(ct_folder)
            view = hand.page.stack
            if start == 0:
                hand.act("tool_brush")
                view.set_index(5)
                hand.stroke(view, (20, 20), (30, 40))
                hand.act("segment_new")
                hand.desk.rename_segment(2, "Second")
                hand.desk.rename_segmentation("Lesion, reader X")
                hand.choice.set_brush(sphere=True)
                hand.stroke(view, (24, 32))
                hand.desk._lock(2)
                kept = hand.labels.copy()
                assert (kept == 2).any()
            else:
                hand.reopened()
                assert np.array_equal(hand.labels, kept)
                assert hand.segmentation.title == "Lesion, reader X"
                assert [s.label for s in hand.segmentation.segments] == ["Segment 1", "Second"]
                assert hand.segmentation.segment(2).locked
                hand.settled()
                assert hand.panel.rows[2].volume.text().endswith("mL")
                hand.book.remove(hand.segmentation.segmentation_id)
                assert hand.segmentation is None
                hand.history.undo()
                assert np.array_equal(hand.labels, kept)
        finally:
            app.close()  # at once: what is not written yet is written now
            app.window.deleteLater()
            qapp.processEvents()
            qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    _, labels = stored(workspace)
    assert np.array_equal(labels, kept)


def test_damaged_and_foreign_slices_are_refused(tmp_path):
    labels = np.zeros((3, 4, 5), np.uint8)
    labels[1, 2, 3] = 9
    bodies = packed_slices(labels, frozenset({0, 1}))
    assert bodies[0] is None
    with ReadingStore(tmp_path) as store:
        store.write_slices("seg-a", bodies)
        store.write_slices("seg-b", {1: b"nonsense"})
    assert np.array_equal(read_labels(tmp_path, "seg-a", (3, 4, 5)), labels)
    with pytest.raises(IntegrityError, match="another size"):
        read_labels(tmp_path, "seg-a", (3, 4, 6))
    with pytest.raises(IntegrityError, match="damaged"):
        read_labels(tmp_path, "seg-b", (3, 4, 5))
