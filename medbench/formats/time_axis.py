"""Seconds of the time points of one place, whatever files they lie in."""

from collections.abc import Callable, Sequence

from medbench.dicom.moments import dicom_times_s
from medbench.domain.image import DisplaySet
from medbench.formats.volumes import read_voxel_file


def times_s(
    displays: Sequence[DisplaySet], index: int, cancelled: Callable[[], bool] = lambda: False
) -> tuple[float, ...]:
    """Seconds since the first time point, for slice ``index``; () where the files don't say."""
    if not displays:
        return ()
    if displays[0].source in ("nifti", "nrrd"):
        step = read_voxel_file(displays[0].frames[0].path).time_step_s
        return tuple(step * d.time_index for d in displays) if step else ()
    return dicom_times_s(displays, index, cancelled)
