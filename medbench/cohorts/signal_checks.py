"""Quality of signals, named with their rows before anything is trained on them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medbench.domain.cohort import Case, CheckResult, Cohort, ItemKind

_NAMED = 8
_LONG_GAP = 0.05
"""Part of a signal."""
_AT_ONCE = 4096


def is_step_labelled(cohort: Cohort) -> bool:
    """Whether each time step has its label, instead of each signal."""
    return any(case.mask is not None for case in cohort.cases)


def signal_checks(cohort: Cohort, folder: Path) -> list[CheckResult]:
    """Signals without samples (blocks), constant ones, long gaps, other lengths.

    An array that is gone is another check's finding; its cases are left out here.
    """
    empty, constant, gaps, lengths = [], [], [], {}
    for case, values in _signals(cohort, folder):
        known = np.isfinite(values)
        at = np.flatnonzero(known.any(axis=1))
        if not len(at):
            empty.append(case)
            continue
        lengths[case.case_id] = int(at[-1]) + 1  # shorter ones end in NaN
        within, there = values[: at[-1] + 1], known[: at[-1] + 1]
        if _is_constant(within):
            constant.append(case)
        elif _longest_run(np.asarray((~there).any(axis=1))) > max(2, _LONG_GAP * len(there)):
            gaps.append(case)
    usual = int(np.median(list(lengths.values()))) if lengths else 0
    other = [c for c in cohort.cases if lengths.get(c.case_id, usual) != usual]
    return [
        _result(
            "empty-signal", "Every signal has samples", empty, "hold no sample at all: take them "
            "out of the source, nothing can be learned from them", blocks=True,
        ),
        _result(
            "constant-signal", "No constant signal", constant,
            "are constant: a lead fell off, or the row is no signal", blocks=False,
        ),
        _result(
            "signal-gaps", "No long gaps", gaps,
            f"miss more than {_LONG_GAP:.0%} of their samples in a row; straight lines are drawn "
            "over gaps", blocks=False,
        ),
        _result(
            "signal-length", "Signals are equally long", other,
            f"are longer or shorter than the usual {usual} samples", blocks=False,
        ),
    ]  # fmt: skip


def _signals(cohort: Cohort, folder: Path) -> Iterator[tuple[Case, NDArray[np.float32]]]:
    """(samples, leads) of every case, read from the mapped array in blocks."""
    names = {case.items[0].path for case in cohort.cases}
    for name in sorted(names):
        source = folder / name
        if Path(name).name != name or not source.is_file():
            continue
        array = np.load(source, mmap_mode="r", allow_pickle=False)
        own = [c for c in cohort.cases if c.items[0].path == name]
        own = [c for c in own if c.items[0].kind is ItemKind.ARRAY]
        own = [c for c in own if c.items[0].index < len(array)]
        for begin in range(0, len(own), _AT_ONCE):
            part = own[begin : begin + _AT_ONCE]
            block = np.asarray(array[[c.items[0].index for c in part]], np.float32)
            for case, values in zip(part, block, strict=True):
                yield case, values.reshape(len(values), -1)


def _is_constant(values: NDArray[np.float32]) -> bool:
    leads = [lead[np.isfinite(lead)] for lead in values.T]
    return all(np.ptp(lead) == 0 for lead in leads if len(lead))


def _longest_run(missing: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], missing.astype(np.int8), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _result(check: str, title: str, cases: list[Case], bad: str, *, blocks: bool) -> CheckResult:
    shown = ", ".join(_named(case) for case in cases[:_NAMED])
    more = f" and {len(cases) - _NAMED} more" if len(cases) > _NAMED else ""
    detail = f"{len(cases)} signals {bad}: {shown}{more}." if cases else f"{title}."
    ids = tuple(sorted(case.case_id for case in cases))
    return CheckResult(check, title, not cases, blocks, len(cases), detail, ids)


def _named(case: Case) -> str:
    row = case.items[0].index + 1
    return f"row {row}" if case.case_id == f"signal-{row:06d}" else case.case_id
