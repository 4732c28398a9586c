"""Studies made of displays, for rules that look at headers only."""

from dataclasses import replace
from pathlib import Path

from medbench.domain.geometry import Geometry
from medbench.domain.image import DisplayKind, DisplaySet, FrameRef, Series, Study

AXIAL = (1, 0, 0, 0, 1, 0, 0, 0, 1)
SAGITTAL = (0, 0, 1, 1, 0, 0, 0, -1, 0)


def display(modality="CT", description="Thorax", slices=20, direction=AXIAL, **values):
    geometry = Geometry((slices, 8, 8), (2, 1, 1), (0, 0, 0), direction, "f")
    kind = DisplayKind.VOLUME if slices > 1 else DisplayKind.STACK
    frames = tuple(FrameRef(Path("x"), n) for n in range(slices))
    found = DisplaySet(
        "1.1.1", kind, modality, description, 8, 8, frames, geometry if slices > 1 else None
    )
    return replace(found, **values)


def study(uid, when, *displays, **values):
    placed = tuple(
        replace(d, study_instance_uid=uid, series_instance_uid=f"{uid}.{n}")
        for n, d in enumerate(displays)
    )
    series = tuple(
        Series(d.series_instance_uid, d.modality, d.description, n, (), (d,))
        for n, d in enumerate(placed)
    )
    made = Study(uid, "P1", "Sample, Ivo", "M", "1960-02-03", when, "09:00", "", "", series)
    return replace(made, **values)
