"""Find what lies below some paths: headers only, behind the guard, nothing dropped."""

import contextlib
import filecmp
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from medbench.base.errors import MedbenchError
from medbench.dicom import tags
from medbench.dicom.directory import DirectoryReport, read_directory
from medbench.dicom.displays import build_displays
from medbench.dicom.guard import Header, read_header
from medbench.dicom.header_bytes import pack, slim, unpack
from medbench.dicom.values import header_text, iso_date, iso_time, person_name, sop_class_name
from medbench.domain.image import Instance, ScanResult, Series, Skipped, Study

_THREADS = 4
_REPORT_EVERY = 64
_PROBE_FILES = 8
_WAIT_S = 0.001
_DIRECTORY_CLASS = "1.2.840.10008.1.3.10"
_DIRECTORY_NAME = "DICOMDIR"
Known = tuple[int, int, bytes]
"""Size in bytes, modification time in ns, what `header_bytes.pack` made of the file."""


class HeaderCache(Protocol):
    """Headers of files that were read before, by folder and name."""

    def get_many(self, folder: Path) -> Mapping[str, Known]: ...
    def put_many(self, folder: Path, rows: Mapping[str, Known]) -> None: ...


def scan(
    paths: Iterable[Path],
    *,
    on_study: Callable[[Study], None] | None = None,
    on_count: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    cache: HeaderCache | None = None,
) -> ScanResult:
    """Scan files and folders, recursively.

    Instances of all series plus ``skipped`` equal the files met. ``on_study`` is called with each
    study as soon as all files are sorted; ``on_count`` with the number of files read so far.
    With a ``cache`` only files whose size or time changed are read. A bad file never raises: it
    is skipped with its reason.
    """
    scanner = Scanner(on_count=on_count, cancelled=cancelled, cache=cache)
    scanner.read(paths)
    result = scanner.result()
    for study in result.studies:
        if on_study is not None:
            on_study(study)
    return result


class Scanner:
    """Collects headers over several calls of `read`, then sorts them into studies."""

    def __init__(
        self,
        *,
        on_count: Callable[[int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        cache: HeaderCache | None = None,
    ) -> None:
        self.headers: list[Header] = []
        self.skipped: list[Skipped] = []
        self.files = 0
        """Files met, whatever became of them."""
        self._on_count = on_count
        self._cancelled = cancelled
        self._cache = cache
        self._met: set[str] = set()
        self._by_uid: dict[str, Path] = {}
        self._shared: dict[bytes, bytes] = {}
        self._directories: dict[Path, DirectoryReport] = {}
        self._known: Mapping[str, Known] = {}
        self._enhanced: list[tuple[Header, int, int]] = []
        """Objects whose frames' planes the index does not hold yet, with their size and time."""
        self._waits = False

    def read(self, paths: Iterable[Path]) -> None:
        """Read the headers below some paths."""
        with ThreadPoolExecutor(_THREADS) as executor:
            for folder, batch in self._batches(paths):
                if self._cancelled is not None and self._cancelled():
                    break
                self._read_batch(executor, folder, batch)
                self.files += len(batch)
                if self._on_count is not None:
                    self._on_count(self.files)

    def result(self) -> ScanResult:
        """Studies, what is not shown, and how many files there were."""
        studies = tuple(_studies(self.headers))
        for header, size, time_ns in self._enhanced:
            if self._cache is not None and header.planes is not None:
                row = {header.path.name: (size, time_ns, pack(header))}
                self._cache.put_many(_absolute(header.path.parent), row)
        self._enhanced.clear()
        skipped = [self._with_unlisted(item) for item in self.skipped]
        return ScanResult(studies, tuple(skipped), self.files)

    # one batch

    def _read_batch(
        self, executor: ThreadPoolExecutor, folder: Path, batch: list[tuple[Path, int, int]]
    ) -> None:
        """Files of one folder as (path, size, time); size -1 where it is not known."""
        known = self._known
        found: dict[Path, Header | str] = {}
        wanted = []
        for path, size, time_ns in batch:
            row = known.get(path.name)
            if row is not None and size >= 0 and row[:2] == (size, time_ns):
                stored = unpack(path, row[2], self._shared)
                if stored is not None:
                    found[path] = stored
                    continue
            wanted.append(path)
        for path, read in zip(wanted, self._read_all(executor, wanted), strict=True):
            found[path] = read if isinstance(read, str) else slim(read, self._shared)
        if self._cache is not None and wanted:
            asked = set(wanted)
            self._cache.put_many(
                _absolute(folder),
                {
                    path.name: (size, time_ns, pack(found[path]))
                    for path, size, time_ns in batch
                    if size >= 0 and path in asked
                },
            )
        for path, size, time_ns in batch:
            read = found[path]
            if (
                size >= 0
                and not isinstance(read, str)
                and read.planes is None
                and tags.PER_FRAME_FUNCTIONAL_GROUPS in read.sequences
            ):
                self._enhanced.append((read, size, time_ns))
            self._take(path, read)

    def _read_all(self, executor: ThreadPoolExecutor, paths: list[Path]) -> list[Header | str]:
        """One after the other while the disk keeps up, with threads once reading means waiting."""
        found: list[Header | str] = []
        while not self._waits and len(found) < len(paths):
            begin, used = time.perf_counter(), time.thread_time()
            found += map(_read_one, paths[len(found) : len(found) + _PROBE_FILES])
            waited = (time.perf_counter() - begin) - (time.thread_time() - used)
            self._waits = waited > _WAIT_S * _PROBE_FILES
        return [*found, *executor.map(_read_one, paths[len(found) :])]

    def _take(self, path: Path, found: Header | str) -> None:
        if isinstance(found, str):
            self.skipped.append(Skipped(path, found))
            return
        uid = found.text(tags.SOP_INSTANCE_UID)
        if found.text(tags.SOP_CLASS_UID) == _DIRECTORY_CLASS or path.name == _DIRECTORY_NAME:
            report = read_directory(path)
            self._directories[path] = report
            self.skipped.append(Skipped(path, report.sentence()))
        elif not found.values.get(tags.SOP_CLASS_UID) and found.pixel_offset < 0:
            reason = "a DICOM header without SOP class and without pixel data"
            self.skipped.append(Skipped(path, reason))
        elif uid and uid in self._by_uid:
            self.skipped.append(Skipped(path, _collision(self._by_uid[uid], path)))
        else:
            self._by_uid[uid] = path
            self.headers.append(found)

    def _with_unlisted(self, item: Skipped) -> Skipped:
        """A DICOMDIR says also how many objects of its folder it does not name (F61)."""
        report = self._directories.get(item.path)
        if report is None:
            return item
        below = item.path.parent
        unlisted = sum(
            header.path not in report.present and header.path.is_relative_to(below)
            for header in self.headers
        )
        if not unlisted:
            return item
        return Skipped(item.path, f"{item.reason}; {unlisted} objects of the folder are not in it")

    # walking

    def _batches(self, paths: Iterable[Path]) -> Iterator[tuple[Path, list[tuple[Path, int, int]]]]:
        """Files in groups of one folder, each path once."""
        for root in paths:
            root = Path(root)
            if root.name == _DIRECTORY_NAME and root.is_file():
                root = root.parent
            if root.is_dir():
                yield from self._folder(root)
            elif root.exists():
                if self._new(str(_absolute(root))):
                    self._known = {}
                    yield root.parent, [(root, -1, -1)]
            else:
                self.files += 1
                self.skipped.append(Skipped(root, "there is no such file or folder"))

    def _folder(self, root: Path) -> Iterator[tuple[Path, list[tuple[Path, int, int]]]]:
        waiting = [root]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    found = sorted(entries, key=lambda e: e.name)
            except OSError as error:
                self.files += 1
                self.skipped.append(Skipped(folder, f"cannot be read: {error.strerror}"))
                continue
            below: list[Path] = []
            files: list[tuple[Path, int, int]] = []
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    below.append(folder / entry.name)
                elif entry.is_symlink() and entry.is_dir():
                    self.files += 1
                    reason = "a link to a folder: links to folders are not followed"
                    self.skipped.append(Skipped(folder / entry.name, reason))
                elif self._new(os.path.abspath(entry.path)):  # noqa: PTH100
                    files.append((folder / entry.name, *self._stamp(entry)))
            waiting.extend(reversed(below))
            if not files:
                continue
            if self._cache is not None:
                self._known = self._cache.get_many(_absolute(folder))
            for at in range(0, len(files), _REPORT_EVERY):
                yield folder, files[at : at + _REPORT_EVERY]

    def _new(self, path: str) -> bool:
        if path in self._met:
            return False
        self._met.add(path)
        return True

    def _stamp(self, entry: "os.DirEntry[str]") -> tuple[int, int]:
        """Size and time of a file, where a cache wants to know."""
        if self._cache is not None:
            with contextlib.suppress(OSError):  # gone since: reading it will say so
                stat = entry.stat()
                return stat.st_size, stat.st_mtime_ns
        return -1, -1


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  (a link keeps its own name)


def _collision(first: Path, second: Path) -> str:
    """Why an object is not taken whose SOP Instance UID is there already."""
    try:
        same = filecmp.cmp(first, second, shallow=False)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if same:
        return f"the same object as {first.name}"
    return (
        f"another object with the same SOP Instance UID as {first.name}, whose bytes differ: "
        "neither replaces the other; open it alone to see it"
    )


def _read_one(path: Path) -> Header | str:
    """Header of a file, or why it is skipped."""
    try:
        if not path.is_file():
            return "not a regular file"
        return read_header(path)
    except MedbenchError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _studies(headers: list[Header]) -> Iterator[Study]:
    by_study: dict[str, dict[str, list[Header]]] = {}
    for header in headers:
        study_uid = header.text(tags.STUDY_INSTANCE_UID) or f"(no UID) {header.path.parent.name}"
        series_uid = header.text(tags.SERIES_INSTANCE_UID) or f"(no UID) {header.path.name}"
        by_study.setdefault(study_uid, {}).setdefault(series_uid, []).append(header)
    for study_index, (study_uid, by_series) in enumerate(by_study.items(), 1):
        series = [
            _series(f"{study_index}.{series_index}", study_uid, uid, members)
            for series_index, (uid, members) in enumerate(by_series.items(), 1)
        ]
        series.sort(key=lambda s: (s.number is None, s.number or 0))
        first = next(iter(by_series.values()))[0]
        yield Study(
            study_instance_uid=study_uid,
            patient_id=header_text(first, tags.PATIENT_ID),
            patient_name=person_name(first),
            patient_sex=first.text(tags.PATIENT_SEX),
            patient_birth_date=iso_date(first.text(tags.PATIENT_BIRTH_DATE)),
            study_date=iso_date(first.text(tags.STUDY_DATE)),
            study_time=iso_time(first.text(tags.STUDY_TIME)),
            description=header_text(first, tags.STUDY_DESCRIPTION),
            institution=header_text(first, tags.INSTITUTION_NAME),
            series=tuple(series),
            simulated=any(
                "simulated" in header_text(m, tags.IMAGE_COMMENTS).lower()
                for members in by_series.values()
                for m in members[:1]
            ),
        )


def _series(prefix: str, study_uid: str, series_uid: str, members: list[Header]) -> Series:
    first = members[0]
    number = first.number(tags.SERIES_NUMBER)
    description = header_text(first, tags.SERIES_DESCRIPTION)
    modality = first.text(tags.MODALITY) or sop_class_name(first.text(tags.SOP_CLASS_UID))
    instances = tuple(
        Instance(
            path=header.path,
            sop_instance_uid=header.text(tags.SOP_INSTANCE_UID),
            sop_class_uid=header.text(tags.SOP_CLASS_UID),
            transfer_syntax_uid=header.transfer_syntax_uid,
            number_of_frames=int(header.number(tags.NUMBER_OF_FRAMES) or 1),
            instance_number=_whole(header.number(tags.INSTANCE_NUMBER)),
        )
        for header in members
    )
    displays = tuple(
        replace(
            display,
            display_id=f"{prefix}.{index}",
            modality=modality,
            description=description,
            study_instance_uid=study_uid,
            series_instance_uid=series_uid,
        )
        for index, display in enumerate(build_displays(members), 1)
    )
    return Series(series_uid, modality, description, _whole(number), instances, displays)


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
