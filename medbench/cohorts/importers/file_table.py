"""A CSV with a column ``file`` (or ``filename``, ``image``) of pictures beside it."""

from pathlib import Path

from medbench.base.errors import BadInputError
from medbench.base.hashing import sha256_file
from medbench.cohorts.importers.value_table import patient_column
from medbench.cohorts.source import Imported, Importer, SourceOptions, code_labels
from medbench.cohorts.tabletext import is_missing, read_table
from medbench.domain.cohort import Case, Item, ItemKind, Task

_FILE_COLUMNS = ("file", "filename", "image", "path", "image_name")
LABEL_COLUMNS = ("label", "finding", "benign_malignant", "diagnosis", "target", "class")
_UNLABELLED = frozenset({"todo", "unknown", "unlabelled", "unlabeled"})
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})
_DICOM = frozenset({".dcm", ".dicom", ""})
PATIENT = "patient"


def is_image_file(path: Path) -> bool:
    """By suffix: pictures and DICOM."""
    return path.suffix.lower() in _PICTURES | _DICOM and path.name not in ("DICOMDIR", "LICENSE")


def _accepts(source: Path, options: SourceOptions) -> bool:
    if options.task is not Task.IMAGE or not source.is_file():
        return False
    return source.suffix.lower() in (".csv", ".tsv", ".txt")


def read_file_rows(source: Path, options: SourceOptions) -> list[dict[str, str]]:
    """Rows as dictionaries with the keys ``file`` and, where known, ``patient``."""
    table = read_table(source)
    lowered = [c.lower() for c in table.columns]
    found = next((lowered.index(n) for n in _FILE_COLUMNS if n in lowered), None)
    if found is None or not table.has_header:
        raise BadInputError(
            f"{source.name} has no column named file; there are {', '.join(table.columns[:12])}."
        )
    patient = patient_column(table, options.patient)
    rows = []
    for row in table.rows:
        record = dict(zip(table.columns, row, strict=True))
        record["file"] = row[found]
        if patient is not None:
            record[PATIENT] = row[patient]
        rows.append(record)
    return rows


def image_case(file: Path, base: Path, name: str, row: dict[str, str], number: int) -> Case:
    """Case of one picture file; DICOM files give patient, age, sex and view themselves."""
    attributes = {
        key: value
        for key, value in row.items()
        if key not in ("file", PATIENT) and len(value) <= 80 and not is_missing(value)
    }
    kind = ItemKind.FILE
    patient = row.get(PATIENT, "")
    if file.suffix.lower() in _DICOM:
        kind = ItemKind.DICOM
        found = _dicom_attributes(file)
        patient = patient or found.pop("patient_id", "")
        attributes = {**found, **attributes}
    attributes["format"] = file.suffix.lower().lstrip(".") or "dicom"
    case_id = Path(name).with_suffix("").as_posix().replace("/", "_") or f"case-{number + 1:06d}"
    item = Item(kind, str(file.resolve()), 0, "", sha256_file(file))
    return Case(case_id, patient or case_id, None, (item,), attributes)


def _dicom_attributes(file: Path) -> dict[str, str]:
    from medbench.base.errors import MedbenchError
    from medbench.dicom import tags
    from medbench.dicom.guard import read_header
    from medbench.dicom.values import header_text

    try:
        header = read_header(file)
    except MedbenchError:
        return {}
    found = {
        "patient_id": header_text(header, tags.PATIENT_ID),
        "sex": header.text(tags.PATIENT_SEX),
        "age": header.text(0x00101010),
        "view": header.text(0x00185101),
        "simulated": "yes"
        if "simulated" in header_text(header, tags.IMAGE_COMMENTS).lower()
        else "",
    }
    return {key: value for key, value in found.items() if value}


def _read(source: Path, options: SourceOptions) -> Imported:
    rows = read_file_rows(source, options)
    base = source.parent
    label = _label_column(rows[0], options.label, source)
    index = {f.name: f for f in base.rglob("*") if f.is_file()}
    cases: list[Case] = []
    texts: list[str | None] = []
    absent: list[str] = []
    for i, row in enumerate(rows):
        options.progress(i / len(rows), f"reading {i} of {len(rows)} pictures")
        name = row["file"]
        file = base / name
        if not file.is_file() or ".." in Path(name).parts:
            file = index.get(Path(name).name, file)
        if not file.is_file():
            absent.append(name)
            continue
        case = image_case(file, base, name, {k: v for k, v in row.items() if k != label}, i)
        text = row[label].strip()
        cases.append(case)
        texts.append(None if is_missing(text) or text.lower() in _UNLABELLED else text)
    if not cases:
        raise BadInputError(f"{source.name}: none of the {len(rows)} files it names is there.")
    notes = [f"{len(absent)} files named in the table are absent"] if absent else []
    if unlabelled := texts.count(None):
        notes.append(f"{unlabelled} pictures without label")
    classes, positive, codes = code_labels(texts, options.positive)
    cases = [
        Case(c.case_id, c.patient_id, code, c.items, c.attributes)
        for c, code in zip(cases, codes, strict=True)
    ]
    known = any(c.patient_id != c.case_id for c in cases)
    simulated = all(c.attributes.get("simulated") == "yes" for c in cases)
    return Imported(
        label, classes, positive, _unique(cases), patient_known=known, notes=notes,
        simulated=simulated,
    )  # fmt: skip


def _label_column(row: dict[str, str], asked: str | None, source: Path) -> str:
    if asked is not None:
        if asked not in row:
            raise BadInputError(f"{source.name} has no column {asked!r}; see {', '.join(row)}.")
        return asked
    lowered = {key.lower(): key for key in row}
    for name in LABEL_COLUMNS:
        if name in lowered:
            return lowered[name]
    raise BadInputError(f"{source.name}: name the label column with --label; see {', '.join(row)}.")


def _unique(cases: list[Case]) -> list[Case]:
    """Case ids must differ: a file named twice gets a number."""
    seen: dict[str, int] = {}
    out = []
    for case in cases:
        count = seen.get(case.case_id, 0)
        seen[case.case_id] = count + 1
        case_id = case.case_id if not count else f"{case.case_id}~{count + 1}"
        patient = case_id if case.patient_id == case.case_id else case.patient_id
        out.append(Case(case_id, patient, case.label, case.items, case.attributes))
    return out


IMPORTER = Importer("file-table", frozenset({Task.IMAGE}), _accepts, _read)
