"""What a run starts from: cohort, split, learner, fingerprint and plan, all checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from medbench.base.errors import BadInputError
from medbench.cohorts.checks import require_clean, run_checks
from medbench.cohorts.fingerprint import fingerprint
from medbench.cohorts.signal_checks import is_step_labelled
from medbench.cohorts.store import read_cohort, read_split
from medbench.domain.cohort import Cohort, Fingerprint, Split, Task
from medbench.domain.model import PlanRow
from medbench.engine.device import choose_device
from medbench.engine.learners import learner_of
from medbench.engine.learners.base import Learner
from medbench.engine.plan.builder import PlanBuilder, values_of
from medbench.jobs.learners import learner_info


@dataclass(frozen=True)
class Plan:
    """Rows of a plan and how far its numeric rows may go."""

    fingerprint: Fingerprint
    rows: tuple[PlanRow, ...]
    bounds: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Any]:
        """Key -> value."""
        return values_of(self.rows)


@dataclass(frozen=True)
class Sources:
    """Checked inputs of a run."""

    cohort: Cohort
    split: Split
    folder: Path
    learner: Learner
    device: torch.device
    overrides: Mapping[str, Any]
    plan: Plan

    def plan_of(self, split: Split, searched: Mapping[str, Any] | None = None) -> Plan:
        """The plan that the training part of another split gives.

        ``searched``: rows a search has chosen, key -> value; the user's own go before them.
        """
        found = fingerprint(self.cohort, split, self.folder)
        return make_plan(self.learner, found, self.overrides, self.device, searched)


def make_plan(
    learner: Learner, found: Fingerprint, overrides: Mapping[str, Any], device: torch.device,
    searched: Mapping[str, Any] | None = None,
) -> Plan:  # fmt: skip
    """Plan of a learner for a fingerprint."""
    builder = PlanBuilder(overrides, searched or {})
    learner.plan(builder, found, device)
    return Plan(found, builder.finish(), dict(builder.bounds))


def open_sources(
    folder: Path, learner_name: str, overrides: Mapping[str, Any], device: str
) -> Sources:
    """Read and check.

    Raises
    ------
    BadInputError
        No cohort or split there, or the learner does not take this kind of data.
    LeakageError
        A check fails and nobody overrode it.
    """
    cohort = read_cohort(folder)
    split = read_split(folder, cohort)
    if split is None:
        raise BadInputError(f"The cohort {cohort.name} has no split yet: split it first.")
    info = learner_info(learner_name)
    if cohort.task.value not in info.tasks:
        raise BadInputError(
            f"{info.title} takes {', '.join(info.tasks)}; {cohort.name} is a cohort of "
            f"{cohort.task.value}s."
        )
    require_clean(run_checks(cohort, split, folder))
    learner = learner_of(learner_name)
    if learner.form != "sequence" and cohort.task is Task.SIGNAL and is_step_labelled(cohort):
        raise BadInputError(
            f"{cohort.name} labels time steps: take rnn or resnet1d; {info.title} answers whole "
            "signals only."
        )
    chosen = choose_device(device)
    plan = make_plan(learner, fingerprint(cohort, split, folder), overrides, chosen)
    return Sources(cohort, split, folder, learner, chosen, dict(overrides), plan)
