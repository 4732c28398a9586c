"""Cuts through volumes and volumes to be fused, made away from the window."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PySide6.QtCore import QObject

from medbench.base.errors import BadInputError
from medbench.base.ids import new_id
from medbench.dicom.decoding.pool import DecoderPool
from medbench.domain.image import DisplaySet, FrameInfo, Study, Volume
from medbench.jobs.states import JobState
from medbench.session.job_list import JobList
from medbench.session.layer_shelf import is_layer_display
from medbench.session.library import display_key
from medbench.session.ports import Done, Failed, Handle, Runner, Work

_KEPT = 2


@dataclass(frozen=True, eq=False)
class FusionVolume:
    """Voxels (z, y, x) on a regular grid, and what they mean."""

    display: DisplaySet
    voxels: np.ndarray[Any, Any]
    geometry: Any
    info: FrameInfo
    """Of the middle slice."""


class CutShelf(QObject):
    """One thread for cuts, so that they never wait for files; another one loads."""

    def __init__(
        self, cutting: Runner, reading: Runner, pool: DecoderPool, jobs: JobList,
        parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._cutting = cutting
        self._reading = reading
        self._pool = pool
        self._jobs = jobs
        self._kept: OrderedDict[str, FusionVolume] = OrderedDict()

    def compute(self, key: str, work: Work, done: Done, failed: Failed) -> None:
        """Make a cut; a newer request of the same key drops this one."""
        self._cutting.run(key, work, done, failed, newest=True)

    def forget(self) -> None:
        """Free the volumes that were kept."""
        self._kept.clear()

    def fetch(
        self, display: DisplaySet, done: Callable[[FusionVolume], None], failed: Failed,
        volume: Volume | None = None,
    ) -> None:  # fmt: skip
        """The display's voxels on a regular grid, from ``volume`` where it is loaded already.

        ``done`` and ``failed`` are called on the GUI thread; progress and cancel are a job.
        """
        key = display_key(display)
        if key in self._kept:
            self._kept.move_to_end(key)
            done(self._kept[key])
            return
        job_id = new_id("fusion")
        pool = self._pool

        def work(handle: Handle) -> FusionVolume:
            return _read(display, pool, handle, volume)

        def loaded(found: FusionVolume) -> None:
            self._jobs.update(job_id, state=JobState.FINISHED, fraction=1.0)
            self._kept[key] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            done(found)

        def refused(sentence: str) -> None:
            state = JobState.FAILED if sentence else JobState.CANCELLED
            self._jobs.update(job_id, state=state, reason=sentence)
            failed(sentence)

        def progress(fraction: float, _text: str) -> None:
            self._jobs.update(job_id, fraction=fraction)

        ticket = self._reading.run(f"fusion {key}", work, loaded, refused, progress=progress)
        words = self.tr("Loading {0} for fusion").format(display.description or display.modality)
        self._jobs.add(job_id, words, lambda: self._reading.cancel(ticket))
        self._jobs.update(job_id, state=JobState.RUNNING)


def _read(
    display: DisplaySet, pool: DecoderPool, handle: Handle, volume: Volume | None
) -> FusionVolume:
    """Load, and bring tilted or irregular stacks on a right grid."""
    from medbench.formats.opening import open_display  # brings pydicom; not for the start
    from medbench.imaging.regular import regularise

    if volume is None or not volume.ready.all():
        count = [0]

        def on_slice(_index: int, _error: str | None) -> None:
            count[0] += 1
            handle.progress(count[0] / max(1, display.slices), "")

        with open_display(display, pool) as reader:
            volume = reader.load(
                first=display.slices // 2, on_slice=on_slice, cancelled=handle.cancelled
            )
    if volume.failed:
        raise BadInputError(
            f"{len(volume.failed)} frames of {display.description or display.modality} could not "
            "be decoded, so it cannot be fused."
        )
    geometry = display.geometry
    if geometry is None or volume.voxels.ndim != 3:
        raise BadInputError("Only grey volumes with a place in the patient can be fused.")
    info = volume.infos[display.slices // 2]
    voxels = volume.voxels
    if not geometry.uniform:
        fill = float(info.padding[0] if info.padding else voxels.min())
        voxels, geometry = regularise(voxels, geometry, fill, handle.cancelled, info.padding)
    return FusionVolume(display, voxels, replace(geometry, notes=()), info)


def fusion_candidates(shown: DisplaySet, studies: Sequence[Study]) -> list[DisplaySet]:
    """Displays of the same frame of reference that can lie over this one (PS3.3 C.7.4.1).

    PET and nuclear medicine first, then in the order of the studies.
    """
    if shown.geometry is None or not shown.geometry.frame_of_reference_uid:
        return []
    reference, own = shown.geometry.frame_of_reference_uid, display_key(shown)
    found = [
        display
        for study in studies
        for series in study.series
        for display in series.displays
        if display.reformattable
        and display_key(display) != own
        and display.time_index == 0
        and display.geometry is not None
        and display.geometry.frame_of_reference_uid == reference
        and not is_layer_display(display)
    ]
    return sorted(found, key=lambda d: d.modality not in ("PT", "NM"))
