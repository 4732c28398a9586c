"""Find what lies below some paths: headers only, behind the guard, nothing dropped."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

from medbench.base.errors import MedbenchError, NotDicomError
from medbench.dicom import tags
from medbench.dicom.displays import build_displays
from medbench.dicom.guard import Header, read_header
from medbench.dicom.values import header_text, iso_date, iso_time, person_name, sop_class_name
from medbench.domain.image import Instance, ScanResult, Series, Skipped, Study

_THREADS = 4
_REPORT_EVERY = 64
_DIRECTORY_CLASS = "1.2.840.10008.1.3.10"


def scan(
    paths: Iterable[Path],
    *,
    on_study: Callable[[Study], None] | None = None,
    on_count: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ScanResult:
    """Scan files and folders, recursively.

    Instances of all series plus ``skipped`` equal the files met. ``on_study`` is called with each
    study as soon as all files are sorted; ``on_count`` with the number of files read so far.
    A bad file never raises: it is skipped with its reason.
    """
    skipped: list[Skipped] = []
    headers: list[Header] = []
    seen_uids: dict[str, Path] = {}
    files = _files(paths, skipped)
    count = 0
    with ThreadPoolExecutor(_THREADS) as executor:
        while chunk := list(islice(files, _REPORT_EVERY)):
            if cancelled is not None and cancelled():
                break
            for path, found in zip(chunk, executor.map(_read_one, chunk), strict=True):
                if isinstance(found, str):
                    skipped.append(Skipped(path, found))
                    continue
                uid = found.text(tags.SOP_INSTANCE_UID)
                if uid and uid in seen_uids:
                    skipped.append(
                        Skipped(
                            path, f"the same object as {seen_uids[uid].name} (SOP Instance UID)"
                        )
                    )
                    continue
                seen_uids[uid] = path
                headers.append(found)
            count += len(chunk)
            if on_count is not None:
                on_count(count)
    studies = tuple(_studies(headers))
    for study in studies:
        if on_study is not None:
            on_study(study)
    return ScanResult(studies, tuple(skipped))


def _files(paths: Iterable[Path], skipped: list[Skipped]) -> Iterator[Path]:
    met: set[str] = set()
    for root in paths:
        root = Path(root)
        if root.is_dir():
            for folder, folders, names in os.walk(
                root, onerror=lambda e: skipped.append(Skipped(Path(e.filename), str(e.strerror)))
            ):
                folders.sort()
                for name in sorted(names):
                    full = os.path.join(folder, name)  # noqa: PTH118  (100,000 files: Path is slow)
                    if full not in met:
                        met.add(full)
                        yield Path(full)
        elif root.exists():
            if str(root) not in met:
                met.add(str(root))
                yield root
        else:
            skipped.append(Skipped(root, "there is no such file or folder"))


def _read_one(path: Path) -> Header | str:
    """Header of a file, or why it is skipped."""
    try:
        if not path.is_file():
            return "not a regular file"
        header = read_header(path)
    except NotDicomError as error:
        return str(error)
    except MedbenchError as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if header.text(tags.SOP_CLASS_UID) == _DIRECTORY_CLASS or path.name == "DICOMDIR":
        return "a DICOMDIR: the folder is scanned instead"
    if not header.values.get(tags.SOP_CLASS_UID) and header.pixel_offset < 0:
        return "a DICOM header without SOP class and without pixel data"
    return header


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
