"""States of a job as a table; every pair that is not listed raises."""

from enum import StrEnum

from medbench.base.errors import EngineError


class JobState(StrEnum):
    """Where a job is."""

    PENDING = "pending"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


class JobEvent(StrEnum):
    """What can happen to a job."""

    START = "start"
    ACCEPTED = "accepted"
    PAUSED = "paused"
    RESUMED = "resumed"
    CANCEL = "cancel"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXITED = "exited"
    """The process is gone without having said ``ended``."""


S, E = JobState, JobEvent
TRANSITIONS: dict[tuple[JobState, JobEvent], JobState] = {
    (S.PENDING, E.START): S.STARTING,
    (S.PENDING, E.CANCEL): S.CANCELLED,
    (S.STARTING, E.ACCEPTED): S.RUNNING,
    (S.STARTING, E.FAILED): S.FAILED,
    (S.STARTING, E.EXITED): S.FAILED,
    (S.STARTING, E.CANCEL): S.CANCELLING,
    (S.RUNNING, E.FINISHED): S.FINISHED,
    (S.RUNNING, E.FAILED): S.FAILED,
    (S.RUNNING, E.PAUSED): S.PAUSED,
    (S.RUNNING, E.CANCEL): S.CANCELLING,
    (S.RUNNING, E.CANCELLED): S.CANCELLED,
    (S.RUNNING, E.EXITED): S.LOST,
    (S.PAUSED, E.RESUMED): S.RUNNING,
    (S.PAUSED, E.CANCEL): S.CANCELLING,
    (S.PAUSED, E.FAILED): S.FAILED,
    (S.PAUSED, E.EXITED): S.LOST,
    (S.CANCELLING, E.CANCELLED): S.CANCELLED,
    (S.CANCELLING, E.EXITED): S.CANCELLED,
    (S.CANCELLING, E.FINISHED): S.FINISHED,  # finished may beat a cancel
    (S.CANCELLING, E.FAILED): S.FAILED,
    (S.CANCELLING, E.ACCEPTED): S.CANCELLING,
    (S.CANCELLING, E.PAUSED): S.CANCELLING,
    (S.CANCELLING, E.CANCEL): S.CANCELLING,
}
TERMINAL = frozenset({S.FINISHED, S.FAILED, S.CANCELLED, S.LOST})


def next_state(state: JobState, event: JobEvent) -> JobState:
    """State after ``event``; raises `EngineError` for an illegal pair."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise EngineError(f"A job that is {state} cannot take the event {event}.") from None
