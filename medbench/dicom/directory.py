"""DICOMDIR: which files it names, and which of them are not there (PS3.3 F.3, PS3.10 8.6).

A folder is always scanned; its directory is only compared with it. Records are followed by
their offsets with a set of those already seen, and file ids are resolved inside the folder only.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medbench.base.errors import BadInputError
from medbench.dicom.elements import Element, ElementFile, Item, read_elements

_FIRST, _RECORDS = 0x00041200, 0x00041220
_NEXT, _LOWER, _FILE_ID = 0x00041400, 0x00041420, 0x00041500
_MAX_ID_BYTES = 1024
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
        file = read_elements(path)
    except BadInputError as error:
        return DirectoryReport(frozenset(), problem=f"it is damaged ({error})")
    top = {element.tag: element for element in file.body.elements}
    items = (top[_RECORDS].items or []) if _RECORDS in top else []
    by_offset = {place: item for item in items if (place := _place(item)) > 0}
    first = _number(file, top.get(_FIRST))
    records, problem = _walk(file, by_offset, first)
    ids = [_file_id(file, item) for item in records]
    return _resolved(path.parent, [found for found in ids if found], problem)


def _place(item: Item) -> int:
    """Offset of an item's own tag; 0 for an empty one. Its first element has a short head."""
    return item.elements[0].offset - 16 if item.elements else 0


def _number(file: ElementFile, element: Element | None) -> int:
    order: Literal["little", "big"] = "little" if file.little_endian else "big"
    return int.from_bytes(file.value(element, 4), order) if element is not None else 0


def _walk(file: ElementFile, by_offset: dict[int, Item], first: int) -> tuple[list[Item], str]:
    """Records in the order of their offsets; a problem where these go round or astray."""
    if not by_offset:
        return [], "it holds no records"
    seen: set[int] = set()
    found: list[Item] = []
    problem = ""
    waiting = [first]
    while waiting:
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
        held = {element.tag: element for element in item.elements}
        waiting += [_number(file, held.get(_NEXT)), _number(file, held.get(_LOWER))]
    if len(found) < len(by_offset):
        # records that nothing points at still name files: take them all
        return list(by_offset.values()), problem or "some of its records are not linked"
    return found, problem


def _file_id(file: ElementFile, item: Item) -> tuple[str, ...]:
    """Components of Referenced File ID (PS3.10 8.2)."""
    element = next((e for e in item.elements if e.tag == _FILE_ID), None)
    if element is None:
        return ()
    text = file.value(element, _MAX_ID_BYTES).rstrip(b" \0").decode("latin-1")
    return tuple(part.strip(" ") for part in text.split("\\")) if text else ()


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
