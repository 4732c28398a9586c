"""Build a cohort folder from a source: manifest, arrays and, where the source has one, a split."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from medbench.base.atomic import atomic_folder
from medbench.base.errors import BadInputError
from medbench.base.ids import now_iso, slugify
from medbench.cohorts.importers import IMPORTERS
from medbench.cohorts.source import Imported, SourceOptions
from medbench.cohorts.store import write_cohort, write_split
from medbench.domain.cohort import Case, Cohort, Role, Split, Task


def build_cohort(
    source: Path,
    *,
    task: Task,
    out: Path,
    label: str | None = None,
    positive: Sequence[str] = (),
    patient: str | None = None,
    name: str | None = None,
    structures: Sequence[str] = (),
    on_progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Cohort:
    """Read ``source`` and write the cohort folder ``out``, all of it or nothing.

    Raises
    ------
    BadInputError
        The source is missing, empty, of no known kind, or ``out`` is in use.
    CancelledError
        ``cancelled()`` became true; nothing is left behind.
    """
    source, out = Path(source), Path(out)
    if not source.exists():
        raise BadInputError(f"{source} does not exist.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInputError(f"{out} is already in use; name an empty or new folder.")
    source = _table_inside(source) if task is Task.IMAGE else source
    options = SourceOptions(
        task, label, tuple(positive), patient, tuple(structures), on_progress, cancelled
    )
    importer = next((i for i in IMPORTERS if task in i.tasks and i.accepts(source, options)), None)
    if importer is None:
        raise BadInputError(
            f"{source.name} cannot become a cohort of task {task.value}. Known are: a folder of "
            "labelled image folders, a CSV of rows or of files, an .npz of arrays, and folders or "
            "tables of pictures with masks."
        )
    imported = importer.read(source, options)
    cohort = Cohort(
        name=name or slugify(source.stem, "cohort"),
        task=task,
        target=imported.target,
        classes=imported.classes,
        positive=imported.positive,
        cases=tuple(_filled(case) for case in imported.cases),
        features=imported.features,
        source=f"{importer.name}:{source.name}",
        created=now_iso(),
        patient_known=imported.patient_known,
        simulated=imported.simulated,
        notes=tuple(imported.notes),
    )
    if out.exists():
        out.rmdir()
    atomic_folder(out, partial(_fill, cohort=cohort, imported=imported))
    return replace(cohort, digest=_digest_of(out))


def _fill(folder: Path, cohort: Cohort, imported: Imported) -> None:
    for array_name, values in imported.arrays.items():
        np.save(folder / array_name, np.ascontiguousarray(values), allow_pickle=False)
    stored = write_cohort(folder, cohort)
    labelled = {case.case_id for case in stored.cases if case.label is not None}
    roles = {case: role for case, role in imported.roles.items() if case in labelled}
    if len(set(roles.values())) > 1 and Role.TRAIN in roles.values():
        write_split(folder, Split("prefix", None, roles, stored.digest))


def _table_inside(source: Path) -> Path:
    """The CSV of a folder whose pictures lie in one folder: the labels can only be there."""
    if not source.is_dir() or sum(f.is_dir() for f in source.iterdir()) > 1:
        return source
    found = [f for name in ("labels.csv", "metadata.csv") if (f := source / name).is_file()]
    return found[0] if found else source


def _filled(case: Case) -> Case:
    """The case without empty attributes."""
    return replace(case, attributes={k: v for k, v in case.attributes.items() if v})


def _digest_of(folder: Path) -> str:
    from medbench.cohorts.store import read_cohort

    return read_cohort(folder).digest
