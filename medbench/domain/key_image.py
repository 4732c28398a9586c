"""A picture a reader marked to find it again."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class KeyImage:
    """One marked frame."""

    stored_as: ClassVar[str] = "key_image"

    study_instance_uid: str
    series_instance_uid: str
    display_key: str
    sop_instance_uid: str
    frame: int = 0
    """As `FrameRef.frame`: 0-based."""
    note: str = ""
    reader: str = ""
    created: str = ""
    """ISO 8601."""

    @property
    def record_id(self) -> str:
        """Key in the reading book: a frame is marked once."""
        return key_of(self.sop_instance_uid, self.frame)


def key_of(sop_instance_uid: str, frame: int) -> str:
    """Record id of a frame's mark."""
    return f"{sop_instance_uid}#{frame}"
