"""What a workspace holds of a study's readings, and where its images are; without a window."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from medbench.base.errors import BadInputError
from medbench.domain.image import Study
from medbench.domain.records import from_json
from medbench.domain.segment_edit import EditedSegmentation
from medbench.registry.reading_store import FILE_NAME, ReadingStore
from medbench.session.operations.exports import one_study
from medbench.session.operations.studies import header_index, opened

T = TypeVar("T")


def stored_records(workspace: Path, kind: type[T], study_instance_uid: str) -> tuple[T, ...]:
    """Records of one type of a study, oldest first.

    Raises
    ------
    BadInputError
        The workspace holds no readings.
    """
    if not (workspace / FILE_NAME).exists():
        raise BadInputError(f"The workspace {workspace} holds no readings.")
    name: str = kind.stored_as  # type: ignore[attr-defined]
    with ReadingStore(workspace) as store:
        found = store.read([study_instance_uid])
    return tuple(from_json(kind, record.body) for record in found if record.kind == name)


def stored_segmentation(
    workspace: Path, study_instance_uid: str, segmentation_id: str = ""
) -> tuple[EditedSegmentation, Any]:
    """A segmentation and its label map (z, y, x); the last one where none is named.

    Raises
    ------
    BadInputError, IntegrityError
        There is none, or it is damaged.
    """
    from medbench.session.segment_files import read_labels

    found = stored_records(workspace, EditedSegmentation, study_instance_uid)
    if segmentation_id:
        found = tuple(s for s in found if s.segmentation_id == segmentation_id)
    if not found:
        raise BadInputError("The workspace holds no such segmentation of this study.")
    chosen = found[-1]
    return chosen, read_labels(workspace, chosen.segmentation_id, chosen.shape)


@contextmanager
def images_of(
    workspace: Path, study_instance_uid: str, paths: Sequence[Path] = ()
) -> Iterator[Study]:
    """The study's images: below the named paths, or where the workspace last saw them.

    Raises
    ------
    BadInputError
        They are not there.
    """
    if not paths:
        with header_index(workspace) as index:
            paths = [path for path in index.files_with(study_instance_uid) if path.exists()]
    if not paths:
        raise BadInputError(
            f"The images of study {study_instance_uid} are not known here; name their folder "
            "with --images."
        )
    with opened(paths, workspace=workspace) as result:
        yield one_study(result.studies, study_instance_uid)
