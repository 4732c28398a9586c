"""Scan, read and describe studies; shared by window and command line."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import medbench
from medbench.base.errors import BadInputError
from medbench.dicom.header_bytes import FORMAT
from medbench.dicom.reader import find_display
from medbench.domain.image import DisplayKind, DisplaySet, FrameInfo, ScanResult
from medbench.formats.finding import Context, find
from medbench.imaging.orientation import letters_of
from medbench.registry.header_index import HeaderIndex


@contextmanager
def opened(
    paths: Sequence[Path], *, password: str | None = None, workspace: Path | None = None
) -> Iterator[ScanResult]:
    """Find what lies below some paths; unpacked members and pictures last as long as the context.

    With a workspace its index of known files is used, and what is new goes into it.

    Raises
    ------
    BadInputError
        A path does not exist.
    PasswordNeededError
        An archive is encrypted and ``password`` does not open it.
    """
    for path in paths:
        if not Path(path).exists():
            raise BadInputError(f"{path} does not exist.")
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="medbench-open-")))
        cache = stack.enter_context(header_index(workspace)) if workspace is not None else None
        yield find(paths, Context(scratch, any_password=password, cache=cache))


def header_index(workspace: Path) -> HeaderIndex:
    """The workspace's index of files that were read before."""
    return HeaderIndex(workspace, f"{medbench.__version__}-{FORMAT}")


def choose_display(result: ScanResult, display_id: str | None) -> DisplaySet:
    """The named display, or the one with most slices; a waveform where there are no pictures.

    Raises
    ------
    BadInputError
        There is none.
    """
    displays = [d for study in result.studies for series in study.series for d in series.displays]
    if not displays and result.skipped:
        first = result.skipped[0]
        more = f" (and {len(result.skipped) - 1} more)" if len(result.skipped) > 1 else ""
        raise BadInputError(f"{first.path.name}{more} cannot be shown: {first.reason}.")
    waveforms = [d for d in displays if d.kind is DisplayKind.WAVEFORM]
    if display_id is None and waveforms and all(d.kind.without_pictures for d in displays):
        return waveforms[0]
    return find_display(displays, display_id)


def geometry_json(display: DisplaySet) -> dict[str, Any]:
    """Shape and geometry of a display in the command line's words."""
    g = display.geometry
    plane = display.pixel_spacing_mm
    return {
        "id": display.display_id,
        "source": display.source,
        "kind": display.kind.value,
        "rows": display.rows,
        "columns": display.columns,
        "slices": display.slices,
        "spacing_mm": list(g.spacing_mm) if g else [None, *plane] if plane else None,
        "origin_mm": list(g.origin_mm) if g else None,
        "direction": list(g.direction) if g else None,
        "uniform": g.uniform if g else False,
        "gantry_tilt_deg": g.gantry_tilt_deg if g else 0.0,
        "missing_slices": list(g.missing_slices) if g else [],
        "modality": display.modality,
        "time": [display.time_index, display.time_count],
        "reason": display.reason,
        "warnings": list(display.warnings),
    }


def frame_json(info: FrameInfo) -> dict[str, Any]:
    """What a frame says beside its pixels, in the command line's words."""
    found = info.calibration
    return {
        "calibration": found.source.value,
        "pixel_mm": [found.row_mm, found.column_mm] if found.in_mm else None,
        "regions": len(found.regions),
        "letters": list(letters_of(info.orientation)),
        "laterality": info.orientation.laterality,
        "overlays": [{"group": o.group, "bits": o.bits_set} for o in info.overlays],
        "shutter": info.shutter.shape if info.shutter is not None else "",
        "value_unit": info.value_unit,
        "suv_factor": info.suv_factor,
        "suv_refused": info.suv_refused,
        "padding": list(info.padding) if info.padding is not None else None,
        "badges": list(info.badges),
        "warnings": list(info.warnings),
    }


def scan_json(result: ScanResult) -> dict[str, Any]:
    """A scan in the command line's words."""
    return {
        "studies": [
            {
                "study_instance_uid": study.study_instance_uid,
                "patient_id": study.patient_id,
                "patient_name": study.patient_name,
                "study_date": study.study_date,
                "description": study.description,
                "simulated": study.simulated,
                "series": [
                    {
                        "series_instance_uid": series.series_instance_uid,
                        "modality": series.modality,
                        "description": series.description,
                        "instances": len(series.instances),
                        "displays": [geometry_json(display) for display in series.displays],
                    }
                    for series in study.series
                ],
            }
            for study in result.studies
        ],
        "skipped": [{"path": str(s.path), "reason": s.reason} for s in result.skipped],
        "counts": {
            "files": result.files,
            "shown": result.files - len(result.skipped),
            "skipped": len(result.skipped),
        },
    }
