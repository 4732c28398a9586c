"""A folder of labelled image folders; a ``labels.csv`` beside them may name the patients."""

from pathlib import Path

from medbench.base.errors import BadInputError
from medbench.cohorts.importers.file_table import (
    LABEL_COLUMNS,
    image_case,
    is_image_file,
    read_file_rows,
)
from medbench.cohorts.source import Imported, Importer, SourceOptions, code_labels
from medbench.domain.cohort import Case, Task


def _accepts(source: Path, options: SourceOptions) -> bool:
    return source.is_dir()


def _read(source: Path, options: SourceOptions) -> Imported:
    folders = sorted(f for f in source.iterdir() if f.is_dir() and not f.name.startswith("."))
    files = [(folder.name, f) for folder in folders for f in sorted(folder.rglob("*"))]
    files = [(label, f) for label, f in files if f.is_file() and is_image_file(f)]
    if not files:
        raise BadInputError(
            f"{source.name} holds no folders with pictures in them; name the CSV if the labels are "
            "in a table."
        )
    known = _attributes(source, options)
    cases: list[Case] = []
    texts: list[str | None] = []
    notes: list[str] = []
    patient_known = bool(known)
    for i, (label, file) in enumerate(files):
        options.progress(i / len(files), f"reading {i} of {len(files)} pictures")
        row = known.get(file.name) or known.get(str(file.relative_to(source))) or {}
        case = image_case(file, source, str(file.relative_to(source)), row, len(cases))
        patient_known = patient_known or case.patient_id != case.case_id
        cases.append(case)
        texts.append(label)
    classes, positive, codes = code_labels(texts, options.positive)
    cases = [
        Case(c.case_id, c.patient_id, code, c.items, c.attributes)
        for c, code in zip(cases, codes, strict=True)
    ]
    if not patient_known:
        notes.append("The source names no patients: each picture is taken as its own")
    return Imported("folder", classes, positive, cases, patient_known=patient_known, notes=notes)


def _attributes(source: Path, options: SourceOptions) -> dict[str, dict[str, str]]:
    """Rows of a CSV beside the folders, by file name; empty when there is none."""
    for name in ("labels.csv", "metadata.csv"):
        if (source / name).exists():
            return {
                Path(row["file"]).name: {k: v for k, v in row.items() if k not in LABEL_COLUMNS}
                for row in read_file_rows(source / name, options)
                if row.get("file")
            }
    return {}


IMPORTER = Importer("image-folders", frozenset({Task.IMAGE}), _accepts, _read)
