"""Every request to a lane is answered once, whenever it is stopped."""

import threading

import pytest

from medbench.session.ports import Handle
from medbench.workers.lane import Lane


@pytest.fixture
def lane(qtbot):
    made = Lane("of a test")
    yield made
    made.close()
    made.deleteLater()


@pytest.mark.parametrize("stopped", ["before it runs", "after its last look", "never"])
def test_stopped_work_fails_once_with_an_empty_sentence(lane, qtbot, stopped):
    begun, go_on = threading.Event(), threading.Event()
    answers = []

    def work(_handle: Handle) -> int:
        begun.set()
        assert go_on.wait(10)
        return 7  # does not look whether it was stopped

    def other(_handle: Handle) -> int:
        return 8

    def failed(sentence):
        answers.append(("failed", sentence))

    first = lane.run("a", work, answers.append, failed)
    assert begun.wait(10)
    second = lane.run("b", other, answers.append, failed)
    if stopped == "after its last look":
        lane.cancel(first)
    elif stopped == "before it runs":
        lane.cancel(second)
    go_on.set()
    qtbot.waitUntil(lambda: len(answers) == 2, timeout=10_000)
    qtbot.wait(20)
    expected = {
        "never": [7, 8],
        "after its last look": [("failed", ""), 8],
        "before it runs": [7, ("failed", "")],
    }
    assert answers == expected[stopped]
    assert not lane.busy


def test_what_a_newer_request_drops_is_not_answered(lane, qtbot):
    begun, go_on = threading.Event(), threading.Event()
    answers = []

    def work(_handle: Handle) -> str:
        begun.set()
        assert go_on.wait(10)
        return "old"

    def newer(_handle: Handle) -> str:
        return "new"

    def failed(sentence):
        answers.append(("failed", sentence))

    lane.run("key", work, answers.append, failed)
    assert begun.wait(10)
    lane.run("key", newer, answers.append, failed, newest=True)
    go_on.set()
    qtbot.waitUntil(lambda: not lane.busy, timeout=10_000)
    assert answers == ["new"]
