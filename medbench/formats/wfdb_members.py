"""Records inside archives: members are unpacked under names of our own, headers name files."""

import os
import secrets
import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from medbench.formats.archive import Member
from medbench.formats.wfdb_header import HEADER_SUFFIX


def record_folders(members: Mapping[Path, Member], scratch: Path) -> dict[Path, Path]:
    """Give the members beside each header their own names again, in a new folder below scratch.

    Returns the new path of each such member. Names come from the archive, so only plain file
    names are taken; a folder of the archive becomes a folder here, whatever it is called.
    """
    folders: dict[tuple[Path, str], dict[str, Path]] = defaultdict(dict)
    for path, member in members.items():
        inner = PurePosixPath(member.name.replace("\\", "/"))
        if inner.name and ":" not in inner.name and inner.name not in (".", ".."):
            folders[path.parent, str(inner.parent)].setdefault(inner.name, path)
    moved: dict[Path, Path] = {}
    for named in folders.values():
        if not any(name.lower().endswith(HEADER_SUFFIX) for name in named):
            continue
        folder = scratch / f"record-{secrets.token_hex(8)}"
        folder.mkdir(mode=0o700)
        for name, path in named.items():
            moved[path] = _place(path, folder / name)
    return moved


def _place(path: Path, target: Path) -> Path:
    try:
        os.link(path, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(path, target)
    return target
