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
from medbench.formats.zip_cipher import HEAD_BYTES, check_byte, decrypt, first_keys

MAX_MEMBERS = 200_000
MAX_TOTAL_BYTES = 20 << 30
MAX_RATIO = 200
RATIO_FROM_BYTES = 10 << 20
MAX_ENCRYPTED_BYTES = 1 << 30
_STEP_BYTES = 1 << 18
_GROUP_BYTES = 256 << 20
"""Encrypted bytes that are decrypted side by side."""
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
    on_member: Callable[[int], None] | None = None,
) -> Unpacked:
    """Unpack into a new private folder below ``folder``; tells how many members are done.

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
            return _Unpacking(path, archive, target, password, cancelled, on_member).run(infos)
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
        cancelled: Callable[[], bool] | None, on_member: Callable[[int], None] | None,
    ) -> None:  # fmt: skip
        self.on_member = on_member
        self.path, self.archive, self.target = path, archive, target
        self.password = password.encode() if password is not None else None
        self.cancelled = cancelled
        self.proven = False
        """Whether the password opened a member."""
        self.by_digest: dict[str, str] = {}
        self.out = Unpacked()

    def run(self, infos: list[zipfile.ZipInfo]) -> Unpacked:
        """All members, by index."""
        locked = []
        for info in infos:
            self._stop_here()
            if info.is_dir():
                continue
            name = shown_name(info)
            reason = _refusal(info, name)
            if not reason and info.flag_bits & _ENCRYPTED:
                locked.append((info, name))
                continue
            self._note(name, reason or self._take(info, name))
        if locked:
            self._unlock(locked)
        return self.out

    def _stop_here(self) -> None:
        if self.cancelled is not None and self.cancelled():
            raise CancelledError(f"{self.path.name} was not unpacked")

    def _note(self, name: str, reason: str) -> None:
        if reason:
            self.out.refused.append(Skipped(self.path / _plain(name), reason))

    def _take(self, info: zipfile.ZipInfo, name: str) -> str:
        """Unpack one member; the reason when it cannot be."""
        try:
            with self.archive.open(info) as stream:
                return self._store(info, name, _chunks(stream))
        except (OSError, NotImplementedError, ValueError) as error:
            return f"cannot be unpacked ({error})"
        except (RuntimeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            return f"damaged in the archive ({error})"

    # -- encrypted members ---------------------------------------------------------------------

    def _unlock(self, locked: list[tuple[zipfile.ZipInfo, str]]) -> None:
        """Encrypted members, many at once; all of them wait for a right password."""
        if self.password is None:
            raise PasswordNeededError(self.path, wrong=False)
        keys = first_keys(self.password)
        opening: list[tuple[zipfile.ZipInfo, str]] = []
        others: list[tuple[zipfile.ZipInfo, str]] = []
        for info, name in locked:
            try:
                right = check_byte(self._payload(info, HEAD_BYTES), keys) == _check_of(info)
            except zipfile.BadZipFile as error:
                self._note(name, f"damaged in the archive ({error})")
                continue
            (opening if right else others).append((info, name))
        failed = []
        for group in _groups(opening):
            data = [self._payload(info, info.compress_size) for info, _ in group]
            plain = decrypt(data, keys, lambda: self.cancelled is not None and self.cancelled())
            self._stop_here()
            for (info, name), packed in zip(group, plain, strict=True):
                try:
                    self._note(name, self._store(info, name, _inflated(packed, info)))
                    self.proven = True
                except (zipfile.BadZipFile, zlib.error) as error:
                    failed.append((name, f"damaged in the archive ({error})"))
                except OSError as error:
                    failed.append((name, f"cannot be unpacked ({error})"))
        # a wrong password passes the one check byte once in 256 times, then the CRC fails
        if not self.proven and (opening or others):
            raise PasswordNeededError(self.path, wrong=True)
        for name, reason in failed:
            self._note(name, reason)
        for _, name in others:
            self._note(name, "encrypted with another password")

    def _payload(self, info: zipfile.ZipInfo, count: int) -> bytes:
        """First bytes of a member's data, as they are in the file."""
        with self.path.open("rb") as handle:
            handle.seek(info.header_offset)
            head = handle.read(30)
            if head[:4] != _MAGIC[0] or len(head) < 30:
                raise zipfile.BadZipFile("no member where one should be")
            names = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
            handle.seek(names, 1)
            data = handle.read(min(count, info.compress_size))
        if len(data) < count:
            raise zipfile.BadZipFile("a member is cut")
        return data

    # -- writing -------------------------------------------------------------------------------

    def _store(self, info: zipfile.ZipInfo, name: str, chunks: Iterator[bytes]) -> str:
        """Write a member under its hash; the reason when it is not kept."""
        part = self.target / f".{secrets.token_hex(8)}.part"
        try:
            digest, head = self._copy(info, chunks, part)
            if head[:4] in _MAGIC:
                return "an archive inside an archive: unpack it first"
            if digest in self.by_digest:
                return f"the same bytes as {self.by_digest[digest]}"
            self.by_digest[digest] = name
            suffix = next((s for s in _SUFFIXES if name.lower().endswith(s)), "")
            path = self.target / f"{digest}{suffix}"
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        self.out.members.append(Member(path, name, str(self.path / _plain(name))))
        if self.on_member is not None:
            self.on_member(len(self.out.members))
        return ""

    def _copy(
        self, info: zipfile.ZipInfo, chunks: Iterator[bytes], part: Path
    ) -> tuple[str, bytes]:
        """Copy a member in steps; its SHA-256 and first bytes."""
        digest, head, written = hashlib.sha256(), b"", 0
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(fd, "wb") as out:
            for data in chunks:
                self._stop_here()
                head = head or data[:4]
                written += len(data)
                digest.update(data)
                out.write(data)
        if written != info.file_size:
            raise zipfile.BadZipFile(f"{written} of {info.file_size} bytes")
        return digest.hexdigest(), head


def _check_of(info: zipfile.ZipInfo) -> int:
    """What the check byte must be (APPNOTE.TXT 6.1.6; with a data descriptor the time's)."""
    raw_time = getattr(info, "_raw_time", 0)
    return (raw_time >> 8) & 255 if info.flag_bits & 0x8 else info.CRC >> 24


def _groups(
    members: list[tuple[zipfile.ZipInfo, str]],
) -> Iterator[list[tuple[zipfile.ZipInfo, str]]]:
    """Members of similar length, as many as memory allows at once."""
    group: list[tuple[zipfile.ZipInfo, str]] = []
    for member in sorted(members, key=lambda m: -m[0].compress_size):
        longest = group[0][0].compress_size if group else 0
        if group and (
            (len(group) + 1) * longest > _GROUP_BYTES or member[0].compress_size * 2 < longest
        ):
            yield group
            group = []
        group.append(member)
    if group:
        yield group


def _inflated(packed: bytes, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """A decrypted member in steps, never more than its directory entry says; checks the CRC."""
    crc, left, rest = 0, info.file_size, memoryview(packed)
    stored = info.compress_type == zipfile.ZIP_STORED
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    while left > 0:
        step = min(_STEP_BYTES, left)
        if stored:
            data, rest = bytes(rest[:step]), rest[step:]
        else:
            data = engine.decompress(rest, step)
            rest = memoryview(engine.unconsumed_tail)
        if not data:
            break
        crc = zlib.crc32(data, crc)
        left -= len(data)
        yield data
    if crc != info.CRC:
        raise zipfile.BadZipFile("Bad CRC-32")


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
    if info.flag_bits & _ENCRYPTED and info.compress_size > MAX_ENCRYPTED_BYTES:
        return "encrypted and larger than 1 GiB: unpack it with another program first"
    if info.file_size > RATIO_FROM_BYTES and info.file_size > MAX_RATIO * info.compress_size:
        return f"expands more than {MAX_RATIO} times: taken for a bomb"
    if info.file_size == 0 and not info.compress_size:
        return "the file is empty"
    return ""


def stem_of(name: str) -> str:
    """Last part of a member's name, without its ending."""
    last = PurePosixPath(_plain(name)).name
    for suffix in _SUFFIXES:
        if last.lower().endswith(suffix):
            return last[: -len(suffix)]
    return last.rpartition(".")[0] or last
