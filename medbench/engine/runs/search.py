"""Search of plan rows by successive halving, on cases of one training part only.

Jamieson and Talwalkar, AISTATS 2016: many settings get a little (epochs, or training cases where
a learner has no epochs), the better third gets three times as much, until a few had all of it.
The plan's own values are always the first candidate. Each trial is one line of ``trials.jsonl``.
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from medbench.base.atomic import append_line
from medbench.base.errors import BadInputError, JobFailedError
from medbench.domain.cohort import Cohort
from medbench.engine.control import JobControl
from medbench.engine.data import Prepared
from medbench.engine.learners.base import Learner
from medbench.engine.runs.sources import Plan
from medbench.engine.training.folds import group_numbers, grouped_folds, inner_count
from medbench.engine.training.task import FitTask, class_auc

KEEP = 3
RUNGS = 3
FOLDS = 3
FILE = "trials.jsonl"
_NOT_SEARCHED = frozenset(
    {"epochs", "patience", "folds", "size", "length", "channels", "accumulation"}
)
"""Budgets and what the inputs are made of; the inputs are prepared once."""


@dataclass(frozen=True)
class SearchTask:
    """Everything a search needs."""

    cohort: Cohort
    learner: Learner
    plan: Plan
    train: Prepared
    val: Prepared | None
    """Scored on where the learner works on pixels; None or features: inner folds of ``train``."""
    trials: int
    seed: int
    device: torch.device
    control: JobControl
    folder: Path


def space_of(plan: Plan) -> dict[str, tuple[float, float, bool, bool]]:
    """Searchable rows: key -> (lowest, highest, logarithmic, whole number).

    An eighth to eight times a positive value, within the row's bounds; the whole of a range that
    lies in 0 to 1.
    """
    found = {}
    for row in plan.rows:
        bounds = plan.bounds.get(row.key)
        if bounds is None or row.set_by_user or row.key in _NOT_SEARCHED:
            continue
        if isinstance(row.value, bool) or not isinstance(row.value, (int, float)):
            continue
        low = float("-inf") if bounds[0] is None else float(bounds[0])
        high = float("inf") if bounds[1] is None else float(bounds[1])
        whole = isinstance(row.value, int)
        if low >= 0 and high <= 1 and row.value >= 0.05:
            found[row.key] = (low, min(high, 0.8), False, whole)
        elif row.value > 0:
            reach = 4 if whole else 32
            lowest, highest = max(low, row.value / reach), min(high, row.value * reach)
            found[row.key] = (lowest, highest, True, whole)
    return found


def draw_settings(plan: Plan, trials: int, seed: int) -> list[dict[str, Any]]:
    """Candidates: the plan's own values, then seeded draws.

    Raises
    ------
    BadInputError
        The plan has no numeric row left to search.
    """
    space = space_of(plan)
    if not space:
        raise BadInputError("The plan has no number left to search: all are set by you.")
    values = plan.values
    found = [{key: values[key] for key in space}]
    dice = np.random.default_rng([seed, 7])
    for _ in range(trials - 1):
        drawn: dict[str, Any] = {}
        for key, (low, high, logarithmic, whole) in space.items():
            value = (
                float(np.exp(dice.uniform(np.log(low), np.log(high))))
                if logarithmic
                else float(dice.uniform(low, high))
            )
            drawn[key] = round(value) if whole else float(f"{value:.4g}")
        found.append(drawn)
    return found


def search_settings(task: SearchTask) -> dict[str, Any]:
    """The best candidate's values; trials already on file (a resumed run) are not run again."""
    candidates = draw_settings(task.plan, task.trials, task.seed)
    known = _stored(task.folder / FILE)
    pairs = _pairs(task)
    alive = list(range(len(candidates)))
    rungs = min(RUNGS, 1 + int(np.floor(np.log(max(len(candidates), 1)) / np.log(KEEP) + 1e-9)))
    total = sum(max(1, len(candidates) // KEEP**r) for r in range(rungs))
    done = 0
    for rung in range(rungs):
        share = KEEP ** -(rungs - 1 - rung)
        scores: dict[int, float] = {}
        for number in alive:
            task.control.checkpoint()
            if (rung, number) not in known:
                begin = time.process_time()
                score, why = _score(task, pairs, candidates[number], share)
                record = {"rung": rung, "trial": number, "share": share, "score": score,
                          "settings": candidates[number], "reason": why,
                          "cpu_s": round(time.process_time() - begin, 3)}  # fmt: skip
                task.folder.mkdir(parents=True, exist_ok=True)
                append_line(task.folder / FILE, json.dumps(record, allow_nan=False))
                known[rung, number] = record
            found = known[rung, number]["score"]
            scores[number] = -1.0 if found is None else float(found)
            done += 1
            best = max(scores.values())
            task.control.metric(done, {"trial": number, "trial_auc": found, "best_auc": best})
            task.control.progress(done / total, f"search: trial {done} of {total}")
        # equal scores: the earlier candidate, so that a search repeats
        alive = sorted(alive, key=lambda n: (-scores[n], n))
        best_number = alive[0]
        alive = sorted(alive[: max(1, len(alive) // KEEP)])
    if scores[best_number] < 0:
        raise JobFailedError(
            f"No setting of the search could be trained: {known[rung, best_number]['reason']}"
        )
    return {**task.learner.when_searched(), **candidates[best_number]}


def _stored(file: Path) -> dict[tuple[int, int], dict[str, Any]]:
    found = {}
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
            except ValueError:  # the last line of a killed run
                continue
            found[int(record["rung"]), int(record["trial"])] = record
    return found


def _pairs(task: SearchTask) -> list[tuple[Prepared, Prepared]]:
    if task.learner.form == "pixels" and task.val is not None:
        return [(task.train, task.val)]
    groups = group_numbers(task.train.cases)
    count = inner_count(task.train.labels, groups, FOLDS)
    if count < 2:
        raise BadInputError(
            "A class of the training part has fewer than two independent patients: nothing can be "
            "searched."
        )
    folds = grouped_folds(task.train.labels, groups, count, task.seed)
    return [(task.train.take(a), task.train.take(b)) for a, b in folds]


def _score(
    task: SearchTask, pairs: list[tuple[Prepared, Prepared]], settings: dict[str, Any],
    share: float,
) -> tuple[float | None, str]:  # fmt: skip
    """Mean AUC over the inner folds with a share of the budget; None and why when it failed."""
    values = {**task.plan.values, **task.learner.when_searched(), **settings}
    if "epochs" in values:
        values["epochs"] = max(1, round(int(values["epochs"]) * share))
    areas = []
    for train, held in pairs:
        part = train if "epochs" in values else _share_of(train, share, task.seed)
        fit = FitTask(
            task.cohort, part, held, values, task.seed, task.device,
            task.control.part(0, 1, "search"), task.folder / "trial", False,
        )  # fmt: skip
        try:
            core = task.learner.fit(fit).core
        except JobFailedError as error:  # diverged: a bad setting, not the end of the search
            return None, str(error)
        area = class_auc(held.labels, core.logits(held.inputs), task.cohort.positive)
        if area is not None:
            areas.append(area)
    return (float(np.mean(areas)), "") if areas else (None, "No held-out fold holds two classes.")


def _share_of(part: Prepared, share: float, seed: int) -> Prepared:
    """A stratified share of the cases, at least 10 a class."""
    if share >= 1:
        return part
    dice = np.random.default_rng([seed, 11])
    chosen: list[NDArray[np.int64]] = []
    for k in np.unique(part.labels):
        own = dice.permutation(np.flatnonzero(part.labels == k))
        chosen.append(own[: max(min(10, len(own)), round(share * len(own)))])
    return part.take(np.sort(np.concatenate(chosen)))
