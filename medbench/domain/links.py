"""An offset the reader set between two frames of reference, so that their views scroll together."""

from dataclasses import dataclass
from typing import ClassVar

from medbench.domain.geometry import Vector


@dataclass(frozen=True)
class LinkOffset:
    """Points of ``source`` plus the offset are points of ``target`` (T43).

    Keys are Frame of Reference UIDs, or display keys where a display has none; then ``index`` is
    the difference of picture numbers and the offset means nothing.
    """

    stored_as: ClassVar[str] = "link_offset"

    source: str
    target: str
    offset_mm: Vector = (0.0, 0.0, 0.0)
    index: int = 0

    @property
    def record_id(self) -> str:
        """One for each pair and direction."""
        return f"{self.source}|{self.target}"

    @property
    def study_instance_uid(self) -> str:
        """Belongs to no study: it holds whenever both are open."""
        return ""
