"""Cases labelled while reading: the viewer adds the open image to a cohort."""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from medbench.base.atomic import atomic_file
from medbench.base.errors import BadInputError
from medbench.base.hashing import sha256_bytes, sha256_file
from medbench.base.ids import check_slug, now_iso
from medbench.cohorts.split import extend_split
from medbench.cohorts.store import read_cohort, read_split, write_cohort, write_split
from medbench.domain.cohort import Case, Cohort, Item, ItemKind, Task


@dataclass(frozen=True)
class LabelledFrame:
    """One frame of an open display with the reader's label."""

    path: Path
    display_id: str
    frame: int
    """Frame inside the file at ``path``, 0-based."""
    patient_id: str
    label: str
    labelled_by: str
    simulated: bool = False
    keep_copy: bool = False
    """The file is unpacked from an archive and goes with the program: the cohort keeps its own."""
    ai_seen_first: bool | None = None
    """Whether a model's answer for the study was seen before the label was given."""
    ai_model: str = ""


def pseudonym(folder: Path, patient_id: str) -> str:
    """Stable name of a patient inside one cohort, without the patient's id.

    Salted with a secret that stays in the cohort folder, so that ids cannot be tried out.
    """
    salt = folder / "salt.bin"
    if not salt.exists():
        folder.mkdir(parents=True, exist_ok=True)
        salt.write_bytes(os.urandom(16))
    return "P-" + sha256_bytes(salt.read_bytes() + patient_id.encode())[:10]


def add_labelled(folder: Path, frame: LabelledFrame) -> Cohort:
    """Add a frame to the cohort at ``folder``, which is made if there is none.

    A frozen split stays: known patients keep their part, new ones join the training part.

    Raises
    ------
    BadInputError
        The cohort is not made of images, or already holds the frame with this label.
    """
    if not frame.label.strip():
        raise BadInputError("Name the label.")
    label = frame.label.strip()
    if (folder / "cohort.json").exists():
        cohort = read_cohort(folder)
        split = read_split(folder, cohort)
    else:
        check_slug(folder.name, "cohort name")
        cohort = Cohort(
            folder.name, Task.IMAGE, "label", (), 0, (), source="viewer", created=now_iso(),
            simulated=frame.simulated,
        )  # fmt: skip
        split = None
    if cohort.task is not Task.IMAGE:
        raise BadInputError(f"The cohort {cohort.name} is made of {cohort.task.value}s.")
    classes = cohort.classes if label in cohort.classes else (*cohort.classes, label)
    case = _case(folder, frame, classes.index(label))
    others = tuple(c for c in cohort.cases if c.case_id != case.case_id)
    if any(c.case_id == case.case_id and c.label == case.label for c in cohort.cases):
        raise BadInputError(f"The cohort {cohort.name} already holds this image as {label}.")
    cohort = replace(
        cohort,
        classes=classes,
        positive=cohort.positive if len(cohort.classes) > 1 else len(classes) - 1,
        cases=(*others, case),
        simulated=cohort.simulated and frame.simulated,
    )
    stored = write_cohort(folder, cohort)
    if split is not None:
        write_split(folder, extend_split(split, stored))
    return stored


def _case(folder: Path, frame: LabelledFrame, label: int) -> Case:
    digest = sha256_file(frame.path)
    path = frame.path.resolve()
    if frame.keep_copy:
        path = (folder / "files" / f"{digest}{''.join(frame.path.suffixes)}").resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            atomic_file(path, lambda part: shutil.copyfile(frame.path, part))
    if frame.frame:
        digest = sha256_bytes(f"{digest}:{frame.frame}".encode())
    # one file may hold the frame alone: then the display inside it is found without a key
    item = Item(ItemKind.DICOM, str(path), frame.frame, "", digest)
    return Case(
        case_id=f"view-{digest[:16]}",
        patient_id=pseudonym(folder, frame.patient_id or digest),
        label=label,
        items=(item,),
        labelled_by=frame.labelled_by,
        labelled_at=now_iso(),
        ai_seen_first=frame.ai_seen_first,
        ai_model=frame.ai_model,
    )
