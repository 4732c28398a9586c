"""ZIP archives: members are streamed into a private folder and named by their SHA-256.

No member's name ever becomes a path. Refused, each with its reason: names that lead out of the
archive, links and devices, archives inside, encrypted members without the right password or with
AES, other compressions than deflate, damaged members. The whole archive is refused when it would
expand beyond the limits, before anything is written (APPNOTE.TXT 6.3.10).
"""

import hashlib
import os
import secrets
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from medbench.base.errors import BadInputError, CancelledError, PasswordNeededError
from medbench.domain.image import Skipped

MAX_MEMBERS = 200_000
MAX_TOTAL_BYTES = 20 << 30
MAX_RATIO = 200
RATIO_FROM_BYTES = 10 << 20
_STEP_BYTES = 1 << 18
_AES = 99
_ENCRYPTED, _STRONG = 0x1, 0x40
_SUFFIXES = (
    ".nii.gz", ".nii", ".nrrd", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm",
)  # fmt: skip
_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OTHER_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar")


@dataclass(frozen=True)
class Member:
    """One unpacked member: where it is, and what it is called (to show only)."""

    path: Path
    name: str
    shown: str
    """Archive and name, for lists."""


@dataclass
class Unpacked:
    """What came out of an archive."""

    members: list[Member] = field(default_factory=list)
    refused: list[Skipped] = field(default_factory=list)
    """Members that are not read; their paths are archive / name, to show only."""


def is_archive(path: Path, *, named: bool = False) -> bool:
    """Whether the file is a ZIP archive: by name and first bytes, or (named by the user) bytes."""
    if not named and path.suffix.lower() != ".zip":
        return False
    try:
        with path.open("rb") as handle:
            return handle.read(4) in _MAGIC
    except OSError:
        return False


def other_archive(path: Path) -> str:
    """Why another kind of archive is not opened; '' when it is none."""
    if path.name.lower().endswith(_OTHER_ARCHIVES):
        return "an archive of a kind that is not opened: unpack it, or pack it as ZIP"
    return ""


def unpack(
    path: Path,
    folder: Path,
    *,
    password: str | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Unpacked:
    """Unpack into a new private folder below ``folder``.

    Raises
    ------
    BadInputError
        No ZIP archive, damaged as a whole, or beyond the limits.
    PasswordNeededError
        Members are encrypted and the password is missing or wrong.
    CancelledError
        The user said stop; what was written is removed.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, OSError,
            NotImplementedError) as error:  # fmt: skip
        raise BadInputError(f"{path.name} is a damaged archive ({error})") from error
    with archive:
        infos = archive.infolist()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_whole(path, infos, folder)
        target = folder / f"zip-{secrets.token_hex(8)}"
        target.mkdir(mode=0o700)
        try:
            return _Unpacking(path, archive, target, password, cancelled).run(infos)
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise


def _check_whole(path: Path, infos: list[zipfile.ZipInfo], folder: Path) -> None:
    """Limits that need only the directory, and members that share their bytes (a bomb)."""
    if len(infos) > MAX_MEMBERS:
        raise BadInputError(f"{path.name} holds {len(infos)} members, {MAX_MEMBERS} are the limit")
    total = sum(info.file_size for info in infos)
    limit = min(MAX_TOTAL_BYTES, shutil.disk_usage(folder).free // 2)
    if total > limit:
        raise BadInputError(
            f"{path.name} would unpack to {total >> 20} MiB, {limit >> 20} MiB are the limit"
        )
    end = 0
    for info in sorted(infos, key=lambda i: i.header_offset):
        if info.header_offset < end:
            raise BadInputError(f"{path.name} is a bomb: its members lie over each other")
        end = info.header_offset + 30 + info.compress_size
    if end > path.stat().st_size:
        raise BadInputError(f"{path.name} is incomplete: members lie behind its end")


class _Unpacking:
    """One archive in work."""

    def __init__(
        self, path: Path, archive: zipfile.ZipFile, target: Path, password: str | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:  # fmt: skip
        self.path, self.archive, self.target = path, archive, target
        self.password = password.encode() if password is not None else None
        self.cancelled = cancelled
        self.proven = False
        """Whether the password opened a member."""
        self.by_digest: dict[str, str] = {}
        self.out = Unpacked()

    def run(self, infos: list[zipfile.ZipInfo]) -> Unpacked:
        """All members, by index."""
        for info in infos:
            if self.cancelled is not None and self.cancelled():
                raise CancelledError(f"{self.path.name} was not unpacked")
            if info.is_dir():
                continue
            name = shown_name(info)
            reason = _refusal(info, name)
            if not reason:
                reason = self._take(info, name)
            if reason:
                self.out.refused.append(Skipped(self.path / _plain(name), reason))
        return self.out

    def _take(self, info: zipfile.ZipInfo, name: str) -> str:
        """Unpack one member; the reason when it cannot be."""
        encrypted = bool(info.flag_bits & _ENCRYPTED)
        if encrypted and self.password is None:
            raise PasswordNeededError(self.path, wrong=False)
        part = self.target / f".{secrets.token_hex(8)}.part"
        try:
            digest, head = self._stream(info, part)
        except (OSError, NotImplementedError, ValueError) as error:
            part.unlink(missing_ok=True)
            return f"cannot be unpacked ({error})"
        except (RuntimeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            part.unlink(missing_ok=True)
            # a wrong password passes the one check byte once in 256 times, then the CRC fails
            if encrypted and not self.proven:
                raise PasswordNeededError(self.path, wrong=True) from error
            if isinstance(error, RuntimeError):
                return "encrypted with another password"
            return f"damaged in the archive ({error})"
        self.proven = self.proven or encrypted
        if head[:4] in _MAGIC:
            part.unlink()
            return "an archive inside an archive: unpack it first"
        if digest in self.by_digest:
            part.unlink()
            return f"the same bytes as {self.by_digest[digest]}"
        self.by_digest[digest] = name
        suffix = next((s for s in _SUFFIXES if name.lower().endswith(s)), "")
        path = self.target / f"{digest}{suffix}"
        part.replace(path)
        self.out.members.append(Member(path, name, str(self.path / _plain(name))))
        return ""

    def _stream(self, info: zipfile.ZipInfo, part: Path) -> tuple[str, bytes]:
        """Copy a member in steps; its SHA-256 and first bytes. The CRC is checked at the end."""
        digest, head, written = hashlib.sha256(), b"", 0
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        password = self.password if info.flag_bits & _ENCRYPTED else None
        with os.fdopen(fd, "wb") as out, self.archive.open(info, pwd=password) as stream:
            for data in _chunks(stream):
                if self.cancelled is not None and self.cancelled():
                    part.unlink(missing_ok=True)
                    raise CancelledError(f"{self.path.name} was not unpacked")
                head = head or data[:4]
                written += len(data)
                digest.update(data)
                out.write(data)
        if written != info.file_size:
            raise zipfile.BadZipFile(f"{written} of {info.file_size} bytes")
        return digest.hexdigest(), head


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    while data := stream.read(_STEP_BYTES):
        yield data


def shown_name(info: zipfile.ZipInfo) -> str:
    """Member's name as text: UTF-8 flag, else GB 18030 where it fits, else CP437 (APPNOTE D)."""
    name = info.orig_filename
    if not info.flag_bits & 0x800 and not name.isascii():
        try:
            return name.encode("cp437").decode("gb18030")
        except (UnicodeEncodeError, UnicodeDecodeError):
            return name
    return name


def _plain(name: str) -> str:
    """A member's name as it is shown: never absolute, no step upwards, no control characters."""
    parts = [p for p in name.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    plain = "/".join(parts) or "(no name)"
    return "".join(c if c.isprintable() else "?" for c in plain)[:400]


def _refusal(info: zipfile.ZipInfo, name: str) -> str:
    """Why a member is not even unpacked; '' when it may be."""
    parts = name.replace("\\", "/").split("/")
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if ".." in parts or not parts[0] or ":" in parts[0] or "\0" in name:
        return "its name leads out of the archive"
    if kind == stat.S_IFLNK:
        return "a link: links in archives are not followed"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "not a regular file"
    if info.compress_type == _AES or info.flag_bits & _STRONG:
        return "encrypted with AES, which is not read: unpack it with another program first"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "compressed in a way that is not read (only deflate is): unpack it first"
    if info.file_size > RATIO_FROM_BYTES and info.file_size > MAX_RATIO * info.compress_size:
        return f"expands more than {MAX_RATIO} times: taken for a bomb"
    return ""


def stem_of(name: str) -> str:
    """Last part of a member's name, without its ending."""
    last = PurePosixPath(_plain(name)).name
    for suffix in _SUFFIXES:
        if last.lower().endswith(suffix):
            return last[: -len(suffix)]
    return last.rpartition(".")[0] or last
