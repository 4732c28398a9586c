"""Everything that can be opened below some paths: DICOM, archives, volumes, pictures.

DICOM is looked for first (`medbench.dicom.scan`); what is none is offered to the other kinds of
files. A kind is one class with `accepts` and `study`, and one line in ``_KINDS``. Every file met
ends as an instance of a series or in the list of what is not shown, with its reason.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Protocol

from medbench.base.errors import BadInputError, MedbenchError, PasswordNeededError
from medbench.base.hashing import sha256_file
from medbench.dicom.decoding.pool import DecoderPool
from medbench.dicom.scan import HeaderCache, Scanner, scan
from medbench.dicom.secondary import PICTURE_SUFFIXES, wrap_picture
from medbench.domain.image import Instance, ScanResult, Series, Skipped, Study
from medbench.formats.archive import Member, is_archive, other_archive, stem_of, unpack
from medbench.formats.volumes import is_volume, volume_study
from medbench.formats.wfdb import SUFFIXES as RECORD_SUFFIXES
from medbench.formats.wfdb import header_of, wfdb_study
from medbench.formats.wfdb_header import HEADER_SUFFIX, read_record_header
from medbench.formats.wfdb_members import record_folders


@dataclass
class Context:
    """What finding needs and remembers."""

    scratch: Path
    """Private folder for unpacked members and wrapped pictures; the caller removes it."""
    pictures: Path | None = None
    """Folder for wrapped pictures when they shall stay; default: the scratch folder."""
    pool: DecoderPool | None = None
    passwords: Mapping[Path, str | None] = field(default_factory=dict)
    """Password of each archive; None = the user has none, the archive is skipped."""
    any_password: str | None = None
    """Tried on every encrypted archive that has none of its own."""
    pictures_met: dict[str, Path] = field(default_factory=dict)
    """SHA-256 of the pictures that were taken."""
    cache: HeaderCache | None = None
    on_count: Callable[[int], None] | None = None
    cancelled: Callable[[], bool] | None = None

    own_pool: DecoderPool | None = None

    def decoders(self) -> DecoderPool:
        """The caller's pool, or one that `close` ends."""
        if self.pool is not None:
            return self.pool
        if self.own_pool is None:
            self.own_pool = DecoderPool(1)
        return self.own_pool

    def close(self) -> None:
        """End decoders that were started for finding."""
        if self.own_pool is not None:
            self.own_pool.close()
            self.own_pool = None

    def counted(self, before: int) -> Callable[[int], None]:
        """Reports members of an archive on top of the files before it."""

        def tell(members: int) -> None:
            if self.on_count is not None:
                self.on_count(before + members)

        return tell

    def stopped(self) -> bool:
        """Whether the user said stop."""
        return self.cancelled is not None and self.cancelled()


class Kind(Protocol):
    """Files of one kind that are no DICOM."""

    def accepts(self, path: Path) -> bool: ...

    def study(self, path: Path, name: str, context: Context) -> Study:
        """Study of one file; ``name`` is what it is called. Raises `MedbenchError`."""
        ...


class _Volumes:
    """NIfTI and NRRD."""

    def accepts(self, path: Path) -> bool:
        return is_volume(path)

    def study(self, path: Path, name: str, context: Context) -> Study:
        del context
        return volume_study(path, name)


class _Pictures:
    """PNG, JPEG, TIFF, BMP: wrapped as undecorated Secondary Capture."""

    def accepts(self, path: Path) -> bool:
        return path.suffix.lower() in PICTURE_SUFFIXES

    def study(self, path: Path, name: str, context: Context) -> Study:
        folder = context.pictures or context.scratch / "pictures"
        digest = sha256_file(path)
        first = context.pictures_met.setdefault(digest, path)
        if first != path:
            raise BadInputError(f"the same picture as {first.name}")
        wrapped = wrap_picture(path, folder, context.decoders(), name=name, digest=digest)
        (study,) = scan([wrapped]).studies
        return replace(study, series=tuple(_of_picture(s, path) for s in study.series))


def _of_picture(series: Series, picture: Path) -> Series:
    """The series' one instance is the picture, whatever it is wrapped in."""
    return replace(
        series,
        instances=tuple(replace(i, path=picture) for i in series.instances),
        displays=tuple(replace(d, source="picture") for d in series.displays),
    )


class _Records:
    """WFDB: any file of a record stands for its header."""

    def accepts(self, path: Path) -> bool:
        return path.suffix.lower() in RECORD_SUFFIXES and path.with_suffix(HEADER_SUFFIX).is_file()

    def study(self, path: Path, name: str, context: Context) -> Study:
        del name, context
        study = wfdb_study(path)
        header = header_of(path)
        signals = {header.parent / s.file for s in read_record_header(header).signals}
        beside = {header.with_suffix(suffix) for suffix in RECORD_SUFFIXES}
        parts = sorted(p for p in (signals | beside) - {header} if p.is_file())
        return replace(study, series=tuple(
            replace(s, instances=(*s.instances, *(Instance(p, "", "", "", 0) for p in parts)))
            for s in study.series
        ))  # fmt: skip


_KINDS: tuple[Kind, ...] = (_Volumes(), _Pictures(), _Records())


def find(paths: Iterable[Path], context: Context) -> ScanResult:
    """Find studies in files, folders and archives; nothing is dropped.

    Raises
    ------
    PasswordNeededError
        An archive needs a password that ``context`` does not have.
    """
    try:
        return _find(paths, context)
    finally:
        context.close()


def _find(paths: Iterable[Path], context: Context) -> ScanResult:
    wanted = [Path(path) for path in paths]
    scanner = Scanner(on_count=context.on_count, cancelled=context.cancelled, cache=context.cache)
    scanner.read(wanted)
    members = _unpacked(scanner, set(wanted), context)
    found = scanner.result()
    studies, skipped = list(found.studies), []
    companions: set[Path] = set()
    inside = {s.path: members[s.path] for s in found.skipped if s.path in members}
    moved = record_folders(inside, context.scratch)
    members |= {new: members[old] for old, new in moved.items()}
    for item in (replace(s, path=moved.get(s.path, s.path)) for s in found.skipped):
        if item.path in companions:
            continue
        kind = next((k for k in _KINDS if k.accepts(item.path)), None)
        if kind is None or not item.path.is_file() or context.stopped():
            skipped.append(item)
            continue
        try:
            name = stem_of(members[item.path].name) if item.path in members else ""
            study = kind.study(item.path, name, context)
        except MedbenchError as error:
            skipped.append(Skipped(item.path, str(error)))
            continue
        except OSError as error:
            skipped.append(Skipped(item.path, f"cannot be read: {error.strerror}"))
            continue
        study = _without(study, companions)
        studies.append(_numbered(study, len(studies) + 1))
        companions |= {i.path for series in study.series for i in series.instances}
    names = {m.path.name: PurePosixPath(m.shown).name for m in members.values()}
    kept = [_named(s, members, names) for s in skipped if s.path not in companions]
    return ScanResult(tuple(studies), tuple(kept), found.files)


def _unpacked(scanner: Scanner, named: set[Path], context: Context) -> dict[Path, Member]:
    """Replace archives among the skipped files by their members."""
    members: dict[Path, Member] = {}
    archives = [s for s in scanner.skipped if is_archive(s.path, named=s.path in named)]
    for item in archives:
        if context.stopped():
            break
        scanner.skipped.remove(item)
        password = context.passwords.get(item.path, context.any_password)
        try:
            out = unpack(
                item.path,
                context.scratch,
                password=password,
                cancelled=context.cancelled,
                on_member=context.counted(scanner.files),
            )
        except PasswordNeededError as error:
            if context.passwords.get(item.path, "") is not None:
                raise
            scanner.skipped.append(Skipped(item.path, str(error)))
            continue
        except MedbenchError as error:
            scanner.skipped.append(Skipped(item.path, str(error)))
            continue
        scanner.files += len(out.refused) - 1  # the archive itself is no file of its own
        scanner.skipped.extend(out.refused)
        members.update({m.path: m for m in out.members})
        scanner.read([m.path for m in out.members])
    for index, item in enumerate(scanner.skipped):
        if reason := other_archive(item.path):
            scanner.skipped[index] = Skipped(item.path, reason)
    return members


def _without(study: Study, taken: set[Path]) -> Study:
    """Files that two records share are parts of the first one."""
    return replace(study, series=tuple(
        replace(s, instances=tuple(
            i for i in s.instances if i.number_of_frames or i.path not in taken
        ))
        for s in study.series
    ))  # fmt: skip


_TOGETHER = (".hdr", ".img", ".img.gz", ".nhdr")
_HASHED = re.compile(r"[0-9a-f]{64}(?:\.[a-z]+)*")


def _named(item: Skipped, members: Mapping[Path, Member], names: Mapping[str, str]) -> Skipped:
    """Members are shown by their own names, also where a reason tells of another one."""
    member = members.get(item.path)
    if member is None:
        return item
    if member.name.lower().endswith(_TOGETHER):
        words = "belongs to files beside it, which an archive does not keep together: unpack it"
        return Skipped(Path(member.shown), words)
    reason = _HASHED.sub(lambda found: names.get(found[0], found[0]), item.reason)
    return Skipped(Path(member.shown), reason)


def _numbered(study: Study, number: int) -> Study:
    """Give displays ids that are unique among all studies found together."""

    def renamed(series: Series) -> Series:
        return replace(
            series,
            displays=tuple(
                replace(d, display_id=f"{number}.{d.display_id.partition('.')[2]}")
                for d in series.displays
            ),
        )

    return replace(study, series=tuple(renamed(s) for s in study.series))
