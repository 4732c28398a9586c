"""An .npz with ``[train_|val_|test_]images`` and ``..labels``; prefixes become the split."""

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from medbench.base.errors import BadInputError
from medbench.base.hashing import sha256_bytes
from medbench.cohorts.source import Imported, Importer, SourceOptions, code_labels
from medbench.domain.cohort import Case, Item, ItemKind, Role, Task

_PREFIXES = {"train_": Role.TRAIN, "val_": Role.VAL, "test_": Role.TEST, "": None}


def _accepts(source: Path, options: SourceOptions) -> bool:
    return source.is_file() and source.suffix.lower() == ".npz"


def _read(source: Path, options: SourceOptions) -> Imported:
    try:
        with source.open("rb") as handle, np.load(handle, allow_pickle=False) as stored:
            parts = {
                prefix: (stored[f"{prefix}images"], stored[f"{prefix}labels"])
                for prefix in _PREFIXES
                if f"{prefix}images" in stored and f"{prefix}labels" in stored
            }
            names = list(stored)
    except (ValueError, OSError, BadZipFile, MemoryError, EOFError) as error:
        raise BadInputError(f"{source.name} cannot be read as .npz: {error}.") from error
    if not parts:
        raise BadInputError(
            f"{source.name} holds {', '.join(names) or 'nothing'}; arrays named images and labels "
            "(or train_images, train_labels ...) belong."
        )
    texts: list[str | None] = []
    imported = Imported("label", (), 0, [], patient_known=False)
    rows: list[tuple[str, Role | None, str, int, str]] = []
    for prefix, (images, labels) in parts.items():
        labels = np.asarray(labels).reshape(len(labels), -1)
        if len(images) != len(labels):
            raise BadInputError(
                f"{source.name}: {len(images)} {prefix}images and {len(labels)} {prefix}labels."
            )
        if labels.shape[1] != 1:
            raise BadInputError(f"{source.name}: one label an image belongs, not several.")
        if images.ndim not in (3, 4) or images.dtype.kind not in "uif":
            raise BadInputError(f"{source.name}: {prefix}images are no pictures {images.shape}.")
        array = f"{prefix or 'all_'}images.npy"
        imported.arrays[array] = images
        for i in range(len(images)):
            if i % 500 == 0:
                options.progress(i / len(images), "reading pictures")
            digest = sha256_bytes(np.ascontiguousarray(images[i]).tobytes())
            rows.append((f"{prefix}{i:06d}", _PREFIXES[prefix], array, i, digest))
            texts.append(str(labels[i, 0]))
    imported.classes, imported.positive, codes = code_labels(texts, options.positive)
    for (case_id, role, array, index, digest), code in zip(rows, codes, strict=True):
        item = Item(ItemKind.ARRAY, array, index, "", digest)
        imported.cases.append(Case(case_id, case_id, code, (item,)))
        if role is not None:
            imported.roles[case_id] = role
    imported.notes.append("The source names no patients: each picture is taken as its own")
    return imported


IMPORTER = Importer("arrays-npz", frozenset({Task.IMAGE, Task.VOLUME}), _accepts, _read)
