"""Inputs of many cases, prepared once for all folds that want them the same."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medbench.domain.cohort import Case, Cohort, Role, Split
from medbench.domain.model import PlanRow
from medbench.engine.control import JobControl
from medbench.engine.data import Prepared, Preparer
from medbench.engine.learners.embedded import Embedder


@dataclass(frozen=True)
class Inputs:
    """Prepared cases."""

    prepared: Prepared
    unreadable: dict[str, str]

    def of_role(self, split: Split, role: Role) -> Prepared | None:
        """Cases of one part; None when there is none."""
        chosen = np.array(
            [
                i
                for i, case in enumerate(self.prepared.cases)
                if split.roles.get(case.case_id) is role
            ],
            np.int64,
        )
        return self.prepared.take(chosen) if len(chosen) else None


@dataclass(frozen=True)
class Front:
    """A registered network whose features replace the measured ones."""

    embedder: Embedder
    preparer: Preparer

    def row(self) -> PlanRow:
        """What the plan says instead of its rows about features."""
        return PlanRow(
            "embedder", "Features", str(self.embedder.source["name"]),
            "What goes into the last layer of this registered network; a copy of it is stored "
            "with the model.",
            True,
        )  # fmt: skip


class InputShop:
    """Keeps the last preparation: folds of one run nearly always want the same.

    A preparation sees a case and stored settings, never a label or a role, so that sharing it
    between folds leaks nothing.
    """

    def __init__(self, cohort: Cohort, folder: Path, front: "Front | None" = None) -> None:
        self._cohort = cohort
        self._folder = folder
        self._front = front
        self._key = ""
        self._inputs: Inputs | None = None

    def shown(self, rows: tuple[PlanRow, ...]) -> tuple[PlanRow, ...]:
        """Rows of a plan; behind a front network it stands in place of the measured features."""
        if self._front is None:
            return rows
        hidden = {"features", "signal_features", "length", "embedder"}
        return (self._front.row(), *(row for row in rows if row.key not in hidden))

    def of(self, preparer: Preparer, cases: list[Case], control: JobControl) -> Inputs:
        """Inputs of the cases; what cannot be read is named in the log and left out.

        With a front network the inputs are its feature vectors.
        """
        preparer = preparer if self._front is None else self._front.preparer
        wanted = {case.case_id for case in cases}
        key = json.dumps([preparer.form, preparer.settings], sort_keys=True)
        if self._inputs is not None and key == self._key:
            have = {case.case_id for case in self._inputs.prepared.cases}
            if wanted <= have | set(self._inputs.unreadable):
                return self._inputs

        def tick(i: int) -> None:
            control.checkpoint()
            control.progress(i / len(cases), f"reading case {i} of {len(cases)}")

        found = preparer.prepare(self._cohort, self._folder, cases, tick=tick)
        if self._front is not None:
            found.inputs = self._front.embedder(found.inputs)
        for case_id, reason in list(found.unreadable.items())[:20]:
            control.log(f"Left out {case_id}: {reason}", level="warning")
        self._key, self._inputs = key, Inputs(found, dict(found.unreadable))
        return self._inputs
