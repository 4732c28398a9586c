from itertools import product

import pytest

from medbench.base.errors import EngineError
from medbench.jobs.protocol import decode, encode
from medbench.jobs.states import TERMINAL, TRANSITIONS, JobEvent, JobState, next_state


@pytest.mark.parametrize(("state", "event"), list(product(JobState, JobEvent)))
def test_the_whole_grid(state, event):
    if (state, event) in TRANSITIONS:
        assert next_state(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(EngineError):
            next_state(state, event)


def test_nothing_leaves_an_end():
    assert not [pair for pair in TRANSITIONS if pair[0] in TERMINAL]


def test_every_state_can_end():
    for state in set(JobState) - TERMINAL:
        reached, grown = {state}, True
        while grown:
            more = {TRANSITIONS[p] for p in TRANSITIONS if p[0] in reached}
            grown = not more <= reached
            reached |= more
        assert reached & TERMINAL


def test_finished_may_beat_a_cancel():
    assert next_state(JobState.CANCELLING, JobEvent.FINISHED) is JobState.FINISHED


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"a": 1}', b"\xff\xfe", b'{"type": 3}'])
def test_what_is_no_message_is_refused(data):
    with pytest.raises(EngineError):
        decode(data)


def test_nan_never_travels():
    with pytest.raises(ValueError, match="JSON"):
        encode({"type": "metric", "value": float("nan")})
