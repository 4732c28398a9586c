import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap

import pytest

from medbench.base.errors import BadInputError, IntegrityError, MedbenchError
from medbench.domain.finding import Certainty, Finding, ReadingState, ReadingStatus
from medbench.domain.measurement import Measurement, MeasurementKind, Quantity, Site
from medbench.domain.objects import PlaneGrid
from medbench.registry.reading_store import ReadingStore, StoredRecord
from medbench.session.history import KEPT_STEPS, History, Step
from medbench.session.messages import Messages
from medbench.session.reading_book import ReadingBook
from medbench.session.record_types import RECORD_TYPES

GRID = PlaneGrid((1.0, 2.0, 3.0), (1.0, 0, 0), (0, 1.0, 0), 0.5, 0.25, 40, 30)


class AtOnce:
    """A runner that works on the spot, as a lane would a moment later."""

    def run(self, _key, work, done, failed, *, progress=None, newest=False):
        try:
            value = work(None)
        except MedbenchError as error:
            failed(str(error))
        else:
            done(value)
        return 0

    def cancel(self, _ticket):
        raise AssertionError("nothing is cancelled here")


class Waiting(AtOnce):
    """A runner that starts nothing until it is told to."""

    def __init__(self):
        self.jobs = []

    def run(self, *args, **kwargs):
        self.jobs.append((args, kwargs))
        return 0

    def go(self):
        while self.jobs:
            args, kwargs = self.jobs.pop(0)
            super().run(*args, **kwargs)


def measurement(name, study="1.2.3", value=10.0):
    site = Site(study, "1.2.3.1", "key", "1.2.3.1.1", 0, "1.9", GRID)
    return Measurement(
        name, MeasurementKind.LENGTH, site, ((1.0, 2.0), (3.5, 4.0)),
        (Quantity("length", value, "mm", "mm"),), reader="Anna Frey",
    )  # fmt: skip


@pytest.fixture
def make_book(qapp, tmp_path):
    made = []

    def make(runner=None, folder=None):
        messages = Messages()
        workspace = folder or tmp_path
        book = ReadingBook(workspace, runner or AtOnce(), History(), messages, RECORD_TYPES)
        book.seen = messages
        made.append(book)
        return book

    yield make
    for book in made:
        book._soon.stop()
        book._again.stop()


def stored(tmp_path):
    with ReadingStore(tmp_path) as store:
        return {(r.kind, r.record_id): r.body for r in store.read()}


def test_every_change_is_undone_and_done_again(make_book):
    book = make_book()
    first, second = measurement("a"), measurement("b")
    changed = []
    book.changed.connect(changed.append)
    book.put(first, "Length")
    book.put(second, "Length")
    longer = first.moved(((0.0, 0.0), (9.0, 9.0)), ())
    book.put(longer, "Move")
    book.remove(second, "Delete")
    assert book.of(Measurement) == (longer,)
    assert book.history.undo_words == "Delete"
    book.history.undo()
    book.history.undo()
    assert set(book.of(Measurement)) == {first, second}
    assert book.history.redo_words == "Move"
    book.history.redo()
    assert book.get(Measurement, "a") == longer
    for _ in range(3):
        book.history.undo()
    assert book.of(Measurement) == ()
    assert not book.history.undo_words
    assert set(changed) == {"measurement"}


def test_several_changes_are_one_step_and_no_change_is_none(make_book):
    book = make_book()
    with book.together("Both"):
        book.put(measurement("a"), "x")
        with book.together("inner"):
            book.put(measurement("b"), "x")
    book.put(measurement("b"), "the same again")
    book.store(ReadingStatus("1.2.3", ReadingState.REVIEWED))
    assert book.history.undo_words == "Both"
    book.history.undo()
    assert book.of(Measurement) == ()
    assert not book.history.undo_words
    assert book.get(ReadingStatus, "1.2.3") is not None


def test_a_new_change_drops_what_was_undone_and_the_line_stays_short(qapp):
    history, done = History(), []
    for i in range(KEPT_STEPS + 20):
        history.push(Step(str(i), done.pop, lambda i=i: done.append(i)))
        done.append(i)
    for _ in range(KEPT_STEPS + 20):
        history.undo()
    assert done == list(range(20))
    history.redo()
    history.push(Step("new", done.pop, lambda: done.append(-1)))
    assert not history.redo_words


def test_what_was_written_comes_back_equal(make_book, tmp_path, wait_for):
    book = make_book()
    finding = Finding(
        "f", Site("1.2.3", "1.2.3.1", "key", "", 0, "1.9", GRID, "coronal"), 1, "Opacity",
        certainty=Certainty.DEFINITE, outline=((1.0, 2.0), (3.0, 4.0), (5.0, 0.5)),
    )  # fmt: skip
    saved = []
    book.saved.connect(lambda: saved.append(1))
    book.put(measurement("a"), "x")
    book.put(finding, "x")
    wait_for(lambda: saved)
    other = make_book()
    other.open_studies(["1.2.3"])
    assert other.of(Measurement) == (measurement("a"),)
    assert other.of(Finding, "1.2.3") == (finding,)
    assert other.of(Finding, "1.2.4") == ()


def test_an_undo_is_saved_as_well(make_book, tmp_path, wait_for):
    book = make_book()
    saved = []
    book.saved.connect(lambda: saved.append(1))
    book.put(measurement("a"), "x")
    wait_for(lambda: len(saved) == 1)
    book.history.undo()
    wait_for(lambda: len(saved) == 2)
    assert stored(tmp_path) == {}


def test_what_is_not_on_the_disk_is_written_at_the_end(make_book, tmp_path):
    waiting = Waiting()
    book = make_book(waiting)
    book.put(measurement("a"), "x")
    book.save()
    book.put(measurement("b"), "x")
    assert stored(tmp_path) == {}
    book.close()  # the worker never came to it
    assert set(stored(tmp_path)) == {("measurement", "a"), ("measurement", "b")}


def test_a_change_made_while_the_disk_is_busy_is_saved_too(make_book, tmp_path, wait_for):
    waiting = Waiting()
    book, saved = make_book(waiting), []
    book.saved.connect(lambda: saved.append(1))
    book.put(measurement("a", value=1.0), "x")
    wait_for(lambda: len(waiting.jobs) == 1)
    book.put(measurement("a", value=2.0), "x")
    args, kwargs = waiting.jobs.pop()
    AtOnce.run(waiting, *args, **kwargs)
    assert not saved, "the newer value is not on the disk"
    wait_for(lambda: waiting.jobs)
    waiting.go()
    assert saved
    assert stored(tmp_path)["measurement", "a"]["quantities"][0]["value"] == 2.0


def test_a_damaged_file_is_named_and_nothing_is_lost_from_memory(make_book, tmp_path):
    (tmp_path / "reading.db").write_bytes(b"no database at all" * 400)
    book = make_book()
    book.open_studies(["1.2.3"])
    sentence = book.seen.log[0].text
    assert "reading.db is damaged" in sentence
    assert "Move it away" in sentence
    book.put(measurement("a"), "x")
    book.save()
    assert book.seen.log[-1].text.startswith("What you measured could not be saved")
    assert book.of(Measurement) == (measurement("a"),)
    (tmp_path / "reading.db").rename(tmp_path / "away.db")
    book.save()  # as the minute's timer does
    assert ("measurement", "a") in stored(tmp_path)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "reading.db").write_bytes(b"SQLite format 3\0" + b"x" * 4096)
    with pytest.raises(IntegrityError, match="damaged"):
        ReadingStore(tmp_path / "more")


def test_a_write_that_fails_late_is_tried_again(make_book, tmp_path, wait_for):
    waiting = Waiting()
    book = make_book(waiting)
    book.put(measurement("a"), "x")
    wait_for(lambda: waiting.jobs)
    book.save()  # the minute's timer finds nothing new and rests
    (tmp_path / "reading.db").write_bytes(b"no database at all" * 400)
    waiting.go()
    assert book._again.isActive()
    (tmp_path / "reading.db").unlink()
    book.save()
    waiting.go()
    assert ("measurement", "a") in stored(tmp_path)


def test_a_file_of_a_newer_medbench_is_left_alone(make_book, tmp_path):
    with ReadingStore(tmp_path) as store:
        store.write([StoredRecord("measurement", "a", "1", {"x": 1})])
    database = sqlite3.connect(tmp_path / "reading.db")
    database.execute("PRAGMA user_version=99")
    database.close()
    before = (tmp_path / "reading.db").read_bytes()
    with pytest.raises(BadInputError, match="newer medbench"):
        ReadingStore(tmp_path)
    book = make_book()
    book.open_studies(["1.2.3"])
    assert "newer medbench" in book.seen.log[0].text
    assert (tmp_path / "reading.db").read_bytes() == before


def test_records_of_a_newer_version_stay_untouched(make_book, tmp_path, wait_for):
    strange = {
        ("hologram", "h"): {"study_instance_uid": "1.2.3", "depth": [1, 2]},
        ("measurement", "m"): {"measurement_id": "m", "kind": "volume-of-tomorrow"},
    }
    with ReadingStore(tmp_path) as store:
        store.write(StoredRecord(kind, i, "1.2.3", body) for (kind, i), body in strange.items())
    book, saved = make_book(), []
    book.saved.connect(lambda: saved.append(1))
    book.open_studies(["1.2.3"])
    assert book.of(Measurement) == ()
    assert "2 stored notes come from another version" in book.seen.log[0].text
    book.put(measurement("a"), "x")
    wait_for(lambda: saved)
    left = stored(tmp_path)
    assert {key: left[key] for key in strange} == strange
    assert ("measurement", "a") in left


def test_a_record_with_more_fields_than_known_is_read(make_book, tmp_path):
    from medbench.domain.records import to_json

    body = {**to_json(measurement("a")), "of_tomorrow": 1}
    with ReadingStore(tmp_path) as store:
        store.write([StoredRecord("measurement", "a", "1.2.3", json.loads(json.dumps(body)))])
    book = make_book()
    book.open_studies(["1.2.3"])
    assert book.of(Measurement) == (measurement("a"),)


def test_a_transaction_is_whole_or_nothing(tmp_path):
    with ReadingStore(tmp_path) as store:
        good = StoredRecord("measurement", "a", "1", {"x": 1})
        with pytest.raises(ValueError, match="JSON"):
            store.write([good, StoredRecord("measurement", "b", "1", {"x": float("nan")})])
        assert store.read() == []
        store.write([good])
        store.write([StoredRecord("measurement", "a", "1", None)])
        assert store.read() == []


def test_slices_of_masks_come_back_and_go(tmp_path):
    with ReadingStore(tmp_path) as store:
        store.write_slices("s", {0: b"one", 7: b"two"})
        store.write_slices("s", {0: b"other", 7: None})
        store.write_slices("t", {0: b"its own"})
    with ReadingStore(tmp_path) as store:
        assert store.read_slices("s") == {0: b"other"}
        assert store.read_slices("none") == {}


KILLED = """
    import sys
    from pathlib import Path
    from PySide6.QtCore import QCoreApplication
    from medbench.domain.measurement import Measurement, MeasurementKind, Site
    from medbench.session.history import History
    from medbench.session.messages import Messages
    from medbench.session.reading_book import ReadingBook
    from medbench.session.record_types import RECORD_TYPES
    from medbench.workers.lane import Lane

    app = QCoreApplication([])
    lane = Lane("saving")
    book = ReadingBook(Path(sys.argv[1]), lane, History(), Messages(), RECORD_TYPES)
    count = 0

    def stroke():
        global count
        if count:
            print(count - 1, flush=True)
        site = Site("1.2.3", "1.2.3.1", "key", "1.2.3.1.1")
        book.put(Measurement(str(count), MeasurementKind.PROBE, site, ((1.0, 2.0),)), "x")
        count += 1

    book.saved.connect(stroke)
    stroke()
    app.exec()
"""


def test_kill_9_loses_nothing_that_was_saved(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    told = []
    with child.stdout:
        for line in child.stdout:
            told.append(line.strip())
            if len(told) == 25:
                child.send_signal(signal.SIGKILL)
                break
        told += [line.strip() for line in child.stdout if line.endswith("\n")]
    assert child.wait(10) == -signal.SIGKILL
    ids = {i for _, i in stored(tmp_path)}
    assert len(told) >= 25
    assert set(told) <= ids
    assert len(ids) <= len(told) + 1, "only the last stroke may be missing or unannounced"
