"""Kinds of records readers write; a new one is a frozen dataclass and a line here."""

from typing import Any

from medbench.domain.alignment import PriorLink
from medbench.domain.ecg_marks import EcgMark
from medbench.domain.finding import AiDecision, AiResult, Finding, ReadingStatus, ReportDraft
from medbench.domain.key_image import KeyImage
from medbench.domain.links import LinkOffset
from medbench.domain.measurement import Measurement
from medbench.domain.roi_ratio import RoiRatio
from medbench.domain.segment_edit import EditedSegmentation

RECORD_TYPES: tuple[Any, ...] = (
    EcgMark,
    KeyImage,
    LinkOffset,
    PriorLink,
    Measurement,
    RoiRatio,
    EditedSegmentation,
    AiDecision,
    AiResult,
    Finding,
    ReadingStatus,
    ReportDraft,
)
"""Dataclasses with ``stored_as`` (class), ``record_id`` and ``study_instance_uid`` (properties or
fields); '' as study for what belongs to none."""
