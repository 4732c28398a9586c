"""Pictures or volumes with their masks: two folders, files side by side, a table, or an .npz.

Every pair is opened and compared here, before anybody trains on it. A case whose mask is missing,
cannot be read or does not fit stays in the cohort without a label, and its row is named.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from medbench.base.errors import BadInputError, MedbenchError
from medbench.base.hashing import sha256_bytes, sha256_file
from medbench.cohorts.importers.value_table import patient_column
from medbench.cohorts.roles import role_of_word
from medbench.cohorts.source import Imported, Importer, SourceOptions
from medbench.cohorts.tabletext import is_missing, read_table
from medbench.cohorts.voxels import PICTURES, item_voxels, mask_codes, mismatch_of, of_array
from medbench.domain.cohort import Case, Item, ItemKind, Role, Task

_IMAGE_FOLDERS = ("images", "imagestr", "image", "img", "imgs", "volumes", "scans")
_MASK_FOLDERS = ("labels", "labelstr", "label", "masks", "mask", "segmentations", "seg", "gt",
                 "annotations")  # fmt: skip
_IMAGE_COLUMNS = ("image", "file", "filename", "path", "volume", "image_name")
_MASK_COLUMNS = ("mask", "label", "segmentation", "seg", "mask_file", "label_file")
_VOLUME_ENDS = (".nii.gz", ".nii", ".nrrd", ".npy", ".dcm")
_PREFIXES = {"train_": Role.TRAIN, "val_": Role.VAL, "test_": Role.TEST, "": None}
_EYE = re.compile(r"(\d)[ _-]?[LR]$|[ _-](OD|OS|left|right)$", re.IGNORECASE)
PROBLEM = "problem"
"""Attribute that says why a case takes no part."""


@dataclass(frozen=True)
class Pair:
    """An image and what may be its mask."""

    row: int
    """Line of the table, or place in the folder, from 1."""
    case_id: str
    patient_id: str
    image: Item
    mask: Item | None
    attributes: dict[str, str]
    problem: str = ""
    role: Role | None = None


def stem_of(path: Path) -> str:
    """Name without the ends that volume files have."""
    name = path.name
    for end in (*_VOLUME_ENDS, *PICTURES):
        if name.lower().endswith(end):
            return name[: -len(end)]
    return name


def _is_data(path: Path) -> bool:
    name = path.name.lower()
    known = name.endswith(_VOLUME_ENDS) or path.suffix.lower() in PICTURES
    return known and path.is_file() and not name.startswith(".")


def _accepts(source: Path, options: SourceOptions) -> bool:
    return source.is_dir() or source.suffix.lower() in (".csv", ".tsv", ".txt", ".npz")


def _read(source: Path, options: SourceOptions) -> Imported:
    imported = Imported("mask", (), 1, [], patient_known=False)
    if source.is_dir():
        pairs, names = _folder_pairs(source, options, imported), _names_beside(source)
    elif source.suffix.lower() == ".npz":
        pairs, names = _array_pairs(source, imported), ()
    else:
        pairs, names = _table_pairs(source, options), _names_beside(source.parent)
    if not pairs:
        raise BadInputError(f"{source.name} holds no pictures or volumes with masks.")
    values: set[int] = set()
    for at, pair in enumerate(pairs):
        options.progress(at / len(pairs), f"comparing pair {at + 1} of {len(pairs)}")
        case, codes = _checked(pair, imported)
        values |= codes
        imported.cases.append(case)
        if pair.role is not None:
            imported.roles[case.case_id] = pair.role
    if not values:
        raise BadInputError(
            f"{source.name}: no mask holds a structure ({_first_problem(imported.cases)})."
        )
    imported.classes = _classes(values, options.structures or names, source)
    imported.patient_known = any(c.patient_id != c.case_id for c in imported.cases)
    imported.notes += _notes(imported.cases)
    return imported


def _first_problem(cases: list[Case]) -> str:
    return next((c.attributes[PROBLEM] for c in cases if PROBLEM in c.attributes), "all are empty")


def _classes(values: set[int], names: tuple[str, ...], source: Path) -> tuple[str, ...]:
    highest = max(values)
    if len(names) > 0 and highest > len(names):
        raise BadInputError(
            f"{source.name}: the masks hold the value {highest}, but only {len(names)} structures "
            f"are named ({', '.join(names)})."
        )
    if not names and highest > 32 and len(values) < highest / 2:
        raise BadInputError(
            f"{source.name}: the masks hold the values {', '.join(map(str, sorted(values)))}: "
            "number the structures 1, 2 ... without gaps."
        )
    named = names or tuple(f"structure {i}" for i in range(1, highest + 1))
    return ("background", *named)


def _checked(pair: Pair, imported: Imported) -> tuple[Case, set[int]]:
    """The case with what its mask holds; with the reason where it cannot take part."""
    case = Case(pair.case_id, pair.patient_id, None, (pair.image,), dict(pair.attributes))

    def refused(reason: str) -> tuple[Case, set[int]]:
        attributes = {**case.attributes, PROBLEM: f"row {pair.row}: {reason}"}
        return replace(case, attributes=attributes), set()

    if pair.problem or pair.mask is None:
        return refused(pair.problem or "there is no mask")
    try:
        image = _voxels(pair.image, imported)
        mask = _voxels(pair.mask, imported)
        codes = mask_codes(mask, Path(pair.mask.path).name)
    except MedbenchError as error:
        return refused(str(error))
    if reason := mismatch_of(image, mask):
        return refused(reason)
    held = [int(v) for v in np.unique(codes) if v]
    shape = " x ".join(str(s) for s in image.shape[::-1])
    attributes = {**case.attributes, "size": shape} | (
        {"modality": image.modality} if image.modality else {}
    )
    case = replace(
        case, label=held[0] if held else 0, mask=pair.mask, structures=tuple(held),
        attributes=attributes,
    )  # fmt: skip
    return case, set(held)


def _voxels(item: Item, imported: Imported) -> Any:
    if item.kind is ItemKind.ARRAY:
        values = np.asarray(imported.arrays[item.path][item.index])
        return of_array(values, f"{item.path} row {item.index}")
    return item_voxels(item, Path())


def _notes(cases: list[Case]) -> list[str]:
    notes = [
        f"{c.case_id}: {c.attributes[PROBLEM]}" for c in cases if c.attributes.get(PROBLEM, "")
    ]
    more = len(notes) - 20
    notes = [*notes[:20], f"and {more} more"] if more > 0 else notes
    empty = [c.case_id for c in cases if c.label == 0]
    if empty:
        shown = ", ".join(empty[:5]) + (" ..." if len(empty) > 5 else "")
        notes.append(f"{len(empty)} masks are empty ({shown}): their cases hold no structure")
    return notes


# -- sources -----------------------------------------------------------------------------------


def _file_item(path: Path) -> Item:
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if f.is_file())
        digest = sha256_bytes("".join(sha256_file(f) for f in files).encode())
        return Item(ItemKind.DICOM, str(path.resolve()), 0, "", digest)
    kind = ItemKind.DICOM if path.suffix.lower() in (".dcm", "") else ItemKind.FILE
    return Item(kind, str(path.resolve()), 0, "", sha256_file(path))


def _patient_of(stem: str) -> str:
    """Both eyes, or both sides, of one person share the name in front of the side."""
    found = _EYE.search(stem)
    return stem[: found.start() + len(found.group(1) or "")] if found else stem


def _folder_pairs(source: Path, options: SourceOptions, imported: Imported) -> list[Pair]:
    below = {d.name.lower(): d for d in source.iterdir() if d.is_dir()}
    images = next((below[n] for n in _IMAGE_FOLDERS if n in below), None)
    masks = next((below[n] for n in _MASK_FOLDERS if n in below), None)
    if images is not None and masks is not None:
        found = list(_two_folders(images, masks))
    else:
        found = list(_side_by_side(source, options, imported))
    if any(p.patient_id != p.case_id for p in found):
        imported.notes.append(
            "Patients are taken from the file names: a left and a right picture share one"
        )
    else:
        imported.notes.append("The source names no patients: each image is taken as its own")
    return found


def _two_folders(images: Path, masks: Path) -> Iterator[Pair]:
    known = {stem_of(f): f for f in sorted(masks.rglob("*")) if _is_data(f)}
    files = _images_in(images)
    used: set[str] = set()
    row = 0
    for row, file in enumerate(files, 1):
        stem = stem_of(file)
        # nnU-Net numbers the channels of an image: case_0000
        names = (stem, re.sub(r"_0000$", "", stem), f"{stem}_mask", f"{stem}_seg", f"{stem}_label")
        mask = next((known[n] for n in names if n in known), None)
        if mask is not None:
            used.add(stem_of(mask))
        yield Pair(
            row, stem, _patient_of(stem), _file_item(file),
            None if mask is None else _file_item(mask), {},
            "" if mask is not None else f"{file.name} has no mask in {masks.name}",
        )  # fmt: skip
    for extra, stem in enumerate(sorted(set(known) - used), 1):
        lone = _file_item(known[stem])
        reason = f"the mask {known[stem].name} has no image in {images.name}"
        yield Pair(row + extra, f"{stem}~mask", _patient_of(stem), lone, None, {}, reason)


def _images_in(folder: Path) -> list[Path]:
    """Files, and folders that hold the DICOM slices of one series."""
    found: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if not entry.is_dir():
            found += [entry] if _is_data(entry) else []
            continue
        inner = [f for f in entry.iterdir() if f.is_file() and not f.name.startswith(".")]
        slices = [f for f in inner if f.suffix.lower() in (".dcm", "") or f.suffix[1:].isdigit()]
        found += [entry] if inner and len(slices) == len(inner) else _images_in(entry)
    return found


def _side_by_side(source: Path, options: SourceOptions, imported: Imported) -> Iterator[Pair]:
    """``X.jpg`` with ``X_mask.png``: a file whose name goes on after another one's is its mask."""
    files = [f for f in sorted(source.iterdir()) if _is_data(f)]
    stems = {stem_of(f): f for f in files}
    masks: dict[str, dict[str, Path]] = {}
    for stem, file in stems.items():
        parts = [m.start() for m in re.finditer(r"[_\-. ]", stem)]
        owner = next((stem[:at] for at in reversed(parts) if stem[:at] in stems), None)
        if owner is not None:
            masks.setdefault(owner, {})[stem[len(owner) + 1 :]] = file
    if not masks:
        return
    ends = sorted({end for found in masks.values() for end in found})
    chosen = options.label or ends[0]
    if chosen not in ends:
        raise BadInputError(f"No mask ends in {chosen!r}; there are {', '.join(ends)}.")
    if len(ends) > 1:
        imported.notes.append(
            f"Masks end in {', '.join(ends)}: {chosen} is taken; --label names another one"
        )
    taken = {stem_of(f) for found in masks.values() for f in found.values()}
    row = 0
    for stem, file in stems.items():
        if stem in taken:
            continue
        row += 1
        mask = masks.get(stem, {}).get(chosen)
        yield Pair(
            row, stem, _patient_of(stem), _file_item(file),
            None if mask is None else _file_item(mask), {},
            "" if mask is not None else f"{file.name} has no mask ending in {chosen}",
        )  # fmt: skip


def _table_pairs(source: Path, options: SourceOptions) -> list[Pair]:
    table = read_table(source)
    lowered = [c.lower() for c in table.columns]
    images = next((lowered.index(n) for n in _IMAGE_COLUMNS if n in lowered), None)
    if options.label is not None:
        masks: int | None = table.column(options.label)
    else:
        masks = next((lowered.index(n) for n in _MASK_COLUMNS if n in lowered), None)
    if images is None or masks is None or not table.has_header:
        raise BadInputError(
            f"{source.name} needs a column image and a column mask with file names; there are "
            f"{', '.join(table.columns[:12])}."
        )
    patient = patient_column(table, options.patient)
    roles = next((lowered.index(n) for n in ("split", "role") if n in lowered), None)
    pairs, seen = [], set()
    for at, row in enumerate(table.rows, 1):
        file, mask = source.parent / row[images], source.parent / row[masks]
        stem = case_id = stem_of(Path(row[images]))
        while case_id in seen:
            case_id += "~"
        seen.add(case_id)
        problem = ""
        if is_missing(row[masks]):
            problem = "the table names no mask"
        elif not mask.exists():
            problem = f"the mask {row[masks]} is not there"
        if not file.exists():
            problem = f"the image {row[images]} is not there"
        kept = {
            name: cell
            for i, (name, cell) in enumerate(zip(table.columns, row, strict=True))
            if i not in (images, masks, patient) and len(cell) <= 80 and not is_missing(cell)
        }
        absent = Item(ItemKind.FILE, str(file.resolve()))
        pairs.append(
            Pair(
                at, case_id, row[patient] if patient is not None else _patient_of(stem),
                _file_item(file) if file.exists() else absent,
                _file_item(mask) if not problem else None, kept, problem,
                role_of_word(row[roles]) if roles is not None else None,
            )
        )  # fmt: skip
    return pairs


def _array_pairs(source: Path, imported: Imported) -> list[Pair]:
    try:
        with source.open("rb") as handle, np.load(handle, allow_pickle=False) as stored:
            parts = {
                p: (stored[f"{p}images"], stored[f"{p}masks"])
                for p in _PREFIXES
                if f"{p}images" in stored and f"{p}masks" in stored
            }
    except (ValueError, OSError, BadZipFile, MemoryError, EOFError) as error:
        raise BadInputError(f"{source.name} cannot be read as .npz: {error}.") from error
    pairs = []
    for prefix, (images, masks) in parts.items():
        if len(images) != len(masks):
            raise BadInputError(
                f"{source.name}: {len(images)} {prefix}images and {len(masks)} {prefix}masks."
            )
        names = f"{prefix or 'all_'}images.npy", f"{prefix or 'all_'}masks.npy"
        imported.arrays |= dict(zip(names, (images, masks), strict=True))
        for i in range(len(images)):
            items = [
                Item(ItemKind.ARRAY, name, i, "",
                     sha256_bytes(np.ascontiguousarray(array[i]).tobytes()))
                for name, array in zip(names, (images, masks), strict=True)
            ]  # fmt: skip
            case_id = f"{prefix}{i:06d}"
            pairs.append(
                Pair(i + 1, case_id, case_id, items[0], items[1], {}, "", _PREFIXES[prefix])
            )
    if pairs:
        imported.notes.append("The source names no patients: each image is taken as its own")
    return pairs


def _names_beside(folder: Path) -> tuple[str, ...]:
    """Names of the values 1, 2 ... in a ``dataset.json`` (Decathlon, nnU-Net), or ()."""
    file = folder / "dataset.json"
    if not file.is_file():
        return ()
    try:
        labels = json.loads(file.read_text(encoding="utf-8"))["labels"]
        pairs = [(int(k), str(v)) if str(k).isdigit() else (int(v), str(k))
                 for k, v in labels.items()]  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"{file.name} names no labels that can be read: {error}.") from error
    known = dict(pairs)
    return tuple(known.get(i, f"structure {i}") for i in range(1, max(known, default=0) + 1))


IMPORTER = Importer("mask-pairs", frozenset({Task.SEGMENTATION}), _accepts, _read)
"""The only one of its task, so it may accept any folder and table."""
