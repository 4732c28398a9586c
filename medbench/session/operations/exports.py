"""Readings of a study as files; shared by window and command line.

DICOM objects join the study as new series (`medbench.dicom.writing`); nothing here needs a window.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError
from medbench.domain.image import DisplaySet, GraphicObject, Study
from medbench.domain.key_image import KeyImage
from medbench.domain.measurement import Measurement, Site
from medbench.domain.segment_edit import EditedSegmentation
from medbench.domain.shown import ShownFrame, ShownPictures

SAME_PLANE_MM = 0.05
"""A measurement in space within this of an acquired slice lies on that slice."""


def suggested_name(kind: str, suffix: str) -> str:
    """A file name from what it is and when: never from the patient, who reads over shoulders."""
    return f"{kind}-{datetime.now().astimezone():%Y%m%d-%H%M%S}{suffix}"


def displays_of(study: Study) -> dict[str, DisplaySet]:
    """Displays by `DisplaySet.key`."""
    return {d.key: d for series in study.series for d in series.displays}


def write_sr(
    path: Path, study: Study, measurements: Sequence[Measurement], reader: str
) -> tuple[int, tuple[str, ...]]:
    """Write measurements as SR (TID 1500); (written, reasons for what was left out)."""
    from medbench.dicom.writing.heading import source_study
    from medbench.dicom.writing.sr import write_measurements

    answer = write_measurements(path, measurements, source_study(study), reader=reader)
    return answer.written, answer.left_out


def write_seg(
    path: Path, study: Study, segmentation: EditedSegmentation, labels: Any, reader: str,
    cancelled: Callable[[], bool] | None = None,
) -> int:  # fmt: skip
    """Write a label map as SEG; returns the number of frames."""
    from medbench.dicom.writing.heading import source_study
    from medbench.dicom.writing.seg import write_segmentation

    display = displays_of(study).get(segmentation.display_key)
    frames = () if display is None else display.frames
    return write_segmentation(
        path,
        labels,
        segmentation,
        source_study(study),
        frames,
        reader=reader,
        cancelled=cancelled,
    )


def write_keys(path: Path, study: Study, keys: Sequence[KeyImage], reader: str) -> int:
    """Write key images as a Key Object Selection; returns how many."""
    from medbench.dicom.writing.heading import source_study
    from medbench.dicom.writing.key_objects import write_key_objects

    notes = "\n".join(dict.fromkeys(key.note for key in keys if key.note))
    images = [(key.sop_instance_uid, key.frame) for key in keys]
    return write_key_objects(path, images, source_study(study), reader=reader, text=notes)


def write_state(
    path: Path, study: Study, shown: ShownPictures, reader: str, label: str = ""
) -> list[Path]:
    """Write presentation states; returns their files."""
    from medbench.dicom.writing.gsps import write_presentations
    from medbench.dicom.writing.heading import source_study

    return write_presentations(path, shown, source_study(study), label=label, reader=reader)


def drawings(
    measurements: Sequence[Measurement], words: Mapping[str, str]
) -> dict[tuple[str, int], tuple[GraphicObject, ...]]:
    """Measurements on acquired frames as drawings; ``words`` by measurement id."""
    from medbench.dicom.writing.graphics import measurement_graphics

    found: dict[tuple[str, int], tuple[GraphicObject, ...]] = {}
    for one in measurements:
        if one.site.sop_instance_uid and one.points:
            key = one.site.sop_instance_uid, one.site.frame
            text = words.get(one.measurement_id, "")
            found[key] = (*found.get(key, ()), *measurement_graphics(one, text))
    return found


def number_words(measurement: Measurement) -> str:
    """Label and first numbers of a measurement in plain words, without a window's language."""
    found = [
        f"{q.value:.4g} {q.unit}".strip() for q in measurement.quantities[:2] if q.value is not None
    ]
    parts = (measurement.label or measurement.text, " x ".join(found))
    return "\n".join(part for part in parts if part)


def stored_pictures(
    display: DisplaySet, measurements: Sequence[Measurement], words: Mapping[str, str]
) -> ShownPictures:
    """A display as its file wants it, with measurements drawn: what a state without a window keeps.

    Raises
    ------
    BadInputError, DecodeError, IncompleteError
        The display cannot be read.
    """
    from medbench.formats.opening import open_display

    frames = []
    with open_display(display) as reader:
        for index, ref in enumerate(display.frames):
            info = reader.info(index)
            voi = None if display.colour or not info.vois else info.vois[0]
            frames.append(
                ShownFrame(ref.sop_instance_uid, ref.frame, info, voi, info.inverted,
                           pixel_size_mm(display))
            )  # fmt: skip
    marks = drawings(measurements, words)
    return ShownPictures(frames, display.colour, graphics=marks)


def pixel_size_mm(display: DisplaySet) -> tuple[float, float] | None:
    """(row, column) size of a pixel, where it is known."""
    if display.geometry is not None:
        return display.geometry.spacing_mm[1], display.geometry.spacing_mm[2]
    return display.pixel_spacing_mm


# back in


def read_report(path: Path, studies: Sequence[Study]) -> tuple[list[Measurement], int, int]:
    """Measurements of a report on images that are open: (found, without images, without points).

    Raises
    ------
    BadInputError, NotDicomError, IncompleteError, DecodeError
        It is no report, or damaged.
    """
    from medbench.dicom.measurement_report import read_measurement_report

    report = read_measurement_report(path)
    placed = [place(one, studies) for one in report.measurements]
    found = [one for one in placed if one is not None]
    return found, len(placed) - len(found), len(report.segments)


def place(measurement: Measurement, studies: Sequence[Study]) -> Measurement | None:
    """The measurement on the display that holds its picture; None where none is open."""
    site = measurement.site
    for display in (d for study in studies for series in study.series for d in series.displays):
        if site.reformatted:
            found = _in_space(measurement, display)
            if found is not None:
                return found
            continue
        for index, ref in enumerate(display.frames):
            if ref.sop_instance_uid == site.sop_instance_uid and (
                ref.frame == site.frame or display.slices == 1
            ):
                return replace(measurement, site=acquired_site(display, index))
    return None


def acquired_site(display: DisplaySet, index: int) -> Site:
    """The site of an acquired frame of a display."""
    from medbench.imaging.slanted import stack_plane

    ref, geometry = display.frames[index], display.geometry
    grid, reference = None, ""
    if geometry is not None:
        reference = geometry.frame_of_reference_uid
        plane = stack_plane(geometry)
        grid = plane_grid(plane, index)
    return Site(
        display.study_instance_uid, display.series_instance_uid, display.key,
        ref.sop_instance_uid, ref.frame, reference, grid,
    )  # fmt: skip


def plane_grid(plane: Any, index: int) -> Any:
    """The grid of a picture of a plane."""
    from medbench.domain.objects import PlaneGrid

    def vector(values: Any) -> tuple[float, float, float]:
        x, y, z = (float(v) for v in values)
        return x, y, z

    return PlaneGrid(
        vector(plane.point_of(index, 0, 0)), vector(plane.row_direction),
        vector(plane.column_direction), plane.spacing_mm[1], plane.spacing_mm[2],
        plane.shape[1], plane.shape[2],
    )  # fmt: skip


def _in_space(measurement: Measurement, display: DisplaySet) -> Measurement | None:
    """A measurement in space on a display of its frame of reference.

    Where an acquired slice holds all its points it moves there; else it keeps its plane.
    """
    from medbench.imaging.slanted import stack_plane

    site, geometry = measurement.site, display.geometry
    points = measurement.points_mm()
    if geometry is None or not points or not site.frame_of_reference_uid:
        return None
    if geometry.frame_of_reference_uid != site.frame_of_reference_uid:
        return None
    if site.series_instance_uid not in ("", display.series_instance_uid):
        return None
    plane = stack_plane(geometry)
    places = [plane.place_of(point) for point in points]
    index = round(float(places[0][0]))
    away = max(abs(float(p[0]) - index) for p in places) * plane.spacing_mm[0]
    thin = site.slab_mm == 0 and away < SAME_PLANE_MM and 0 <= index < plane.shape[0]
    if thin and (site.view == "acquired" or not _names_a_plane(measurement)):
        rows_columns = tuple((float(p[1]), float(p[2])) for p in places)
        return replace(measurement, site=acquired_site(display, index), points=rows_columns)
    own = replace(
        site, study_instance_uid=display.study_instance_uid,
        series_instance_uid=display.series_instance_uid, display_key=display.key,
    )  # fmt: skip
    return replace(measurement, site=own)


def _names_a_plane(measurement: Measurement) -> bool:
    """Whether its plane was stated, not derived (derived ones have pixels of 1 mm)."""
    grid = measurement.site.grid
    return grid is not None and (grid.row_mm, grid.column_mm) != (1.0, 1.0)


def one_study(studies: Sequence[Study], study_instance_uid: str) -> Study:
    """The study of that UID.

    Raises
    ------
    BadInputError
        It is not among them.
    """
    for study in studies:
        if study.study_instance_uid == study_instance_uid:
            return study
    raise BadInputError(
        f"The images of study {study_instance_uid} are not there; name their folder with --images."
    )
