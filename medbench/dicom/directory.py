"""DICOMDIR: which files it names, and which of them are not there (PS3.3 F.3, PS3.10 8.6).

A folder is always scanned; its directory is only compared with it. Records are followed by
their offsets with a set of those already seen, and file ids are resolved inside the folder only.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.errors import InvalidDicomError

MAX_RECORDS = 1_000_000
_FORBIDDEN = frozenset('/\\:\0<>"|?*')


@dataclass(frozen=True)
class DirectoryReport:
    """What a DICOMDIR says about its folder."""

    present: frozenset[Path]
    missing: tuple[str, ...] = ()
    """File ids that name no file of the folder."""
    refused: tuple[str, ...] = ()
    """File ids that lead out of the folder, or are none."""
    problem: str = ""

    def sentence(self) -> str:
        """One sentence for the list of files that are not shown."""
        words = ["a DICOMDIR: the folder is scanned instead"]
        if self.problem:
            words.append(self.problem)
        named = len(self.present) + len(self.missing)
        if self.missing:
            words.append(
                f"it names {named} files, {len(self.missing)} of them are not there "
                f"(the first: {self.missing[0]})"
            )
        if self.refused:
            words.append(f"{len(self.refused)} of its file ids lead out of the folder: refused")
        return "; ".join(words)


def read_directory(path: Path) -> DirectoryReport:
    """Compare a DICOMDIR with its folder; call only behind the guard. Never raises."""
    try:
        dataset = pydicom.dcmread(path, force=True)
        items = list(dataset.get("DirectoryRecordSequence") or [])
        first = int(dataset.get("OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity", 0) or 0)
        by_offset = {int(getattr(item, "seq_item_tell", 0) or 0): item for item in items}
        records, problem = _walk(by_offset, first)
        ids = [_file_id(item) for item in (records or items)]
    except (InvalidDicomError, OSError, ValueError, TypeError, KeyError, AttributeError, IndexError,
            RecursionError, MemoryError, NotImplementedError) as error:  # fmt: skip
        return DirectoryReport(frozenset(), problem=f"it is damaged ({type(error).__name__})")
    return _resolved(path.parent, [found for found in ids if found], problem)


def _walk(by_offset: dict[int, Any], first: int) -> tuple[list[Any], str]:
    """Records in the order of their offsets; a problem where these go round or astray."""
    if not by_offset:
        return [], "it holds no records"
    seen: set[int] = set()
    found: list[Any] = []
    problem = ""
    waiting = [first]
    while waiting and len(found) < MAX_RECORDS:
        offset = waiting.pop()
        if not offset:
            continue
        if offset in seen:
            problem = "its records point at each other in a circle"
            continue
        seen.add(offset)
        item = by_offset.get(offset)
        if item is None:
            problem = "a record points at none"
            continue
        found.append(item)
        waiting.append(int(item.get("OffsetOfTheNextDirectoryRecord", 0) or 0))
        waiting.append(int(item.get("OffsetOfReferencedLowerLevelDirectoryEntity", 0) or 0))
    if len(found) < len(by_offset):
        # records that nothing points at still name files: take them all
        return list(by_offset.values()), problem or "some of its records are not linked"
    return found, problem


def _file_id(item: Any) -> tuple[str, ...]:
    value = item.get("ReferencedFileID")
    if value is None or value == "":
        return ()
    return (value,) if isinstance(value, str) else tuple(str(part) for part in value)


def _resolved(folder: Path, ids: list[tuple[str, ...]], problem: str) -> DirectoryReport:
    root = folder.resolve()
    names: dict[Path, dict[str, Path]] = {}
    present: set[Path] = set()
    missing: list[str] = []
    refused: list[str] = []
    for parts in ids:
        shown = "/".join(parts)
        if any(part.strip() in ("", ".", "..") or _FORBIDDEN & set(part) for part in parts):
            refused.append(shown)
            continue
        target = _find(folder, parts, names)
        if target is None:
            missing.append(shown)
        elif not target.resolve().is_relative_to(root):
            refused.append(shown)
        else:
            present.add(target)
    return DirectoryReport(frozenset(present), tuple(missing), tuple(refused), problem)


def _find(folder: Path, parts: tuple[str, ...], names: dict[Path, dict[str, Path]]) -> Path | None:
    """The file of an id, whatever the case of its letters on this disk."""
    here = folder
    for part in parts:
        if here not in names:
            names[here] = dict(_listed(here))
        found = names[here].get(_plain(part))
        if found is None:
            return None
        here = found
    return here if here.is_file() else None


def _listed(folder: Path) -> Iterator[tuple[str, Path]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                yield _plain(entry.name), Path(entry.path)
    except OSError:
        return  # no folder: nothing of what is named below it is there


def _plain(name: str) -> str:
    """ISO 9660 may add ``.`` or ``;1``, and mounts change the case."""
    return name.partition(";")[0].rstrip(". ").upper()
