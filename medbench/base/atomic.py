"""Files that are either the old one or the new one, never in between."""

import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

PART_SUFFIX = ".part"


def _fsync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_all(fd: int, chunk: bytes | memoryview) -> None:
    view = memoryview(chunk).cast("B")
    while view:  # a short write is no error
        view = view[os.write(fd, view) :]


def atomic_write(path: Path, chunks: bytes | Iterable[bytes]) -> None:
    """Write ``chunks`` to a temporary name, flush, rename over ``path``.

    Raises
    ------
    OSError
        The disk is full or refuses; the old file is untouched and no part file stays.
    """
    path = Path(path)
    if isinstance(chunks, bytes):
        chunks = (chunks,)
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}{PART_SUFFIX}")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        try:
            for chunk in chunks:
                _write_all(fd, chunk)
            os.fsync(fd)
        finally:
            os.close(fd)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _fsync_folder(path.parent)


def atomic_write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    atomic_write(path, text.encode())


def atomic_write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: sorted never, indented two, no NaN (RFC 8259)."""
    atomic_write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def atomic_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write(temporary_path)`` produce the file, then flush and rename it to ``path``."""
    path = Path(path)
    part = path.with_name(f".{secrets.token_hex(6)}.{path.name}")
    try:
        write(part)
        with part.open("rb") as handle:
            os.fsync(handle.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _fsync_folder(path.parent)


def atomic_folder(path: Path, fill: Callable[[Path], object]) -> None:
    """Let ``fill(temporary_folder)`` make the content, then rename the folder to ``path``.

    Raises
    ------
    FileExistsError
        ``path`` is already there: folders are never replaced.
    """
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path.name} already exists")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}{PART_SUFFIX}")
    part.mkdir(mode=0o700)
    try:
        fill(part)
        for file in part.rglob("*"):
            if file.is_file():
                with file.open("rb") as handle:
                    os.fsync(handle.fileno())
        part.replace(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    _fsync_folder(path.parent)


def append_line(path: Path, line: str) -> None:
    """Append one line and flush it to the disk; for append-only logs."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        _write_all(fd, line.rstrip("\n").encode() + b"\n")
        os.fsync(fd)
    finally:
        os.close(fd)


def read_json(path: Path) -> Any:
    """Read JSON; raises `BadInputError` with the file's name when it is missing or damaged."""
    from medbench.base.errors import BadInputError

    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadInputError(f"{path} is missing.") from error
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path} cannot be read as JSON: {error}.") from error
