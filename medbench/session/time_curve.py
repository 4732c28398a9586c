"""A region over the time points of its place: mean and standard deviation at each (no Qt)."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medbench.base.errors import BadInputError, CancelledError
from medbench.dicom.decoding.pool import DecoderPool
from medbench.domain.image import DisplaySet
from medbench.domain.measurement import Measurement
from medbench.imaging.reslice import MprPlane, PlaneKind, orthogonal_plane

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class TimeCurve:
    """One value per time point, in order; None where nothing could be counted."""

    times_s: tuple[float, ...]
    """Seconds since the first; () where the files don't say."""
    mean: tuple[float | None, ...]
    sd: tuple[float | None, ...]
    """Population."""
    n: tuple[int, ...]
    unit: str
    problems: tuple[str, ...] = ()
    """Time points that could not be read, and why."""

    @property
    def known(self) -> tuple[int, ...]:
        """Time points that have a mean."""
        return tuple(i for i, v in enumerate(self.mean) if v is not None)


def read_curve(
    measurement: Measurement, displays: Sequence[DisplaySet], pool: DecoderPool | None = None,
    *, progress: Progress = lambda _part, _text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> TimeCurve:  # fmt: skip
    """Read every time point and count the region in it; ``displays`` in order of time.

    Raises
    ------
    BadInputError
        The region lies on a plane that cannot be cut from the other time points.
    CancelledError
        ``cancelled`` said so.
    """
    from medbench.base.errors import MedbenchError
    from medbench.formats.opening import open_display
    from medbench.formats.time_axis import times_s
    from medbench.imaging.roi import region_of, region_statistics

    at = _Place(measurement, displays)
    found: list[tuple[float | None, float | None, int]] = []
    problems: list[str] = []
    unit = ""
    for number, display in enumerate(displays):
        if cancelled():
            raise CancelledError("stopped")
        progress(number / len(displays), f"{number + 1} / {len(displays)}")
        try:
            if display.slices != at.slices:
                raise BadInputError("it has other slices")
            with open_display(display, pool) as reader:
                if at.plane is None:
                    values = reader.read(at.index)
                else:
                    volume = reader.load(cancelled=cancelled)
                    if volume.failed:
                        raise BadInputError(min(volume.failed.items())[1])
                    values = np.asarray(at.plane.picture(volume.voxels, at.index))
                info = reader.info(at.index if at.plane is None else 0)
        except MedbenchError as error:
            if cancelled():
                raise CancelledError("stopped") from error
            problems.append(f"{number + 1}: {error}")
            found.append((None, None, 0))
            continue
        unit = info.value_unit
        region = region_of(measurement.kind, measurement.points, values.shape[:2])
        counted = region_statistics(values, region, info.padding)
        found.append((counted.mean, counted.sd_population, counted.n))
    seconds = times_s(displays, at.index if at.plane is None else 0, cancelled)
    return TimeCurve(
        seconds, tuple(f[0] for f in found), tuple(f[1] for f in found),
        tuple(f[2] for f in found), unit, tuple(problems),
    )  # fmt: skip


class _Place:
    """Which picture of a time point a measurement lies on."""

    def __init__(self, measurement: Measurement, displays: Sequence[DisplaySet]) -> None:
        site = measurement.site
        self.slices = 0
        self.plane: MprPlane | None = None
        own = next((d for d in displays if site.display_key == d.key), None)
        if not measurement.kind.is_roi or own is None or own.colour:
            raise BadInputError("A curve over time needs a region on a grey series of time points.")
        self.slices = own.slices
        if site.slab_mm > 0 or site.view not in {kind.value for kind in PlaneKind}:
            raise BadInputError("A curve over time needs a region on a plain slice.")
        if site.view == PlaneKind.ACQUIRED.value:
            frames = [(f.sop_instance_uid, f.frame) for f in own.frames]
            self.index = frames.index((site.sop_instance_uid, site.frame))
            return
        geometry = own.geometry
        if geometry is None or not geometry.uniform or site.grid is None:
            raise BadInputError(
                "A curve over time needs slices on a right grid: measure on the stack instead."
            )
        self.plane = orthogonal_plane(geometry, PlaneKind(site.view))
        self.index = round(self.plane.place_of(site.grid.origin_mm)[0])


def curve_csv(curve: TimeCurve) -> str:
    """A table with one line per time point: number, seconds, mean, SD (population), n, unit."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(("time_point", "time_s", "mean", "sd_population", "n", "unit"))
    for i, (mean, sd, n) in enumerate(zip(curve.mean, curve.sd, curve.n, strict=True)):
        seconds = repr(float(curve.times_s[i])) if curve.times_s else ""
        numbers = ("" if v is None else repr(float(v)) for v in (mean, sd))
        table.writerow((i + 1, seconds, *numbers, n, curve.unit))
    return out.getvalue()
