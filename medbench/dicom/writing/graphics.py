"""Drawings of presentation states (PS3.3 C.10.5, C.10.7), and measurements as drawings."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from pydicom.dataset import Dataset

from medbench.dicom.writing.heading import SourceStudy, long_text, referenced
from medbench.domain.image import GraphicObject
from medbench.domain.measurement import Measurement, MeasurementKind

MEASUREMENT_LAYER, NOTE_LAYER = "MEASUREMENTS", "NOTES"
_CENTRE = 0.5
_MAX_TEXT = 1024
_CLOSED = frozenset({"POLYLINE", "INTERPOLATED", "CIRCLE", "ELLIPSE"})


def measurement_graphics(measurement: Measurement, words: str = "") -> tuple[GraphicObject, ...]:
    """A measurement as lines, and its words beside its first point."""
    kind = measurement.kind
    points = tuple(measurement.points)
    layer = NOTE_LAYER if kind in (MeasurementKind.TEXT, MeasurementKind.ARROW) else (
        MEASUREMENT_LAYER)  # fmt: skip
    parts: list[tuple[str, tuple[tuple[float, float], ...]]]
    if kind is MeasurementKind.TEXT:
        parts = []
    elif kind is MeasurementKind.PROBE:
        parts = [("POINT", points[:1])]
    elif kind in (MeasurementKind.BIDIRECTIONAL, MeasurementKind.COBB):
        parts = [("POLYLINE", points[:2]), ("POLYLINE", points[2:4])]
    elif kind is MeasurementKind.ELLIPSE:
        first, second = (np.hypot(*np.subtract(points[i + 1], points[i])) for i in (0, 2))
        parts = [("ELLIPSE", points if first >= second else points[2:] + points[:2])]
    elif kind is MeasurementKind.RECTANGLE:
        (top, left), (bottom, right) = points[:2]
        outline = ((top, left), (top, right), (bottom, right), (bottom, left), (top, left))
        parts = [("POLYLINE", outline)]
    elif kind is MeasurementKind.ARROW:
        parts = [("POLYLINE", points[:2]), *_barbs(points)]
    elif kind.is_roi:
        parts = [("POLYLINE", (*points, points[0]))]
    else:
        parts = [("POLYLINE", points)]
    found = [GraphicObject(name, drawn, layer=layer) for name, drawn in parts]
    text = words or measurement.text or measurement.label
    if text and points:
        found.append(GraphicObject("TEXT", points[:1], text, layer=layer))
    return tuple(found)


def _barbs(
    points: Sequence[tuple[float, float]],
) -> list[tuple[str, tuple[tuple[float, float], ...]]]:
    """Two short lines at the tip, a fifth as long as the shaft."""
    tip, tail = np.asarray(points[0], float), np.asarray(points[1], float)
    shaft = (tail - tip) / 5
    side = np.array([-shaft[1], shaft[0]]) / 2
    ends = [tip + shaft + side, tip + shaft - side]
    return [("POLYLINE", ((float(e[0]), float(e[1])), points[0])) for e in ends]


def annotations(
    graphics: Mapping[tuple[str, int], tuple[GraphicObject, ...]], study: SourceStudy,
    images: Collection[str],
) -> list[Dataset]:  # fmt: skip
    """Graphic Annotation Sequence: one item for each frame and layer (C.10.5)."""
    found = []
    for (uid, frame), objects in graphics.items():
        if uid not in study.images or uid not in images:
            continue
        by_layer: dict[str, list[GraphicObject]] = {}
        for one in objects:
            by_layer.setdefault(one.layer or NOTE_LAYER, []).append(one)
        for layer, members in by_layer.items():
            item = Dataset()
            item.ReferencedImageSequence = [referenced(study.images[uid], (frame,))]
            item.GraphicLayer = layer
            texts = [_text(one) for one in members if one.text]
            drawings = [_graphic(one) for one in members if one.kind != "TEXT"]
            if texts:
                item.TextObjectSequence = texts
            if drawings:
                item.GraphicObjectSequence = drawings
            if texts or drawings:
                found.append(item)
    return found


def _place(point: tuple[float, float]) -> list[float]:
    """Column, row from the outer corner of the first pixel (C.10.5.1.1)."""
    return [float(np.float32(point[1] + _CENTRE)), float(np.float32(point[0] + _CENTRE))]


def _text(graphic: GraphicObject) -> Dataset:
    item = Dataset()
    item.AnchorPointAnnotationUnits = "PIXEL"
    item.UnformattedTextValue = long_text(graphic.text)[:_MAX_TEXT]
    item.AnchorPoint = _place(graphic.points[0])
    item.AnchorPointVisibility = "N"
    return item


def _graphic(graphic: GraphicObject) -> Dataset:
    item = Dataset()
    item.GraphicAnnotationUnits = "PIXEL"
    item.GraphicDimensions = 2
    item.NumberOfGraphicPoints = len(graphic.points)
    item.GraphicData = [v for point in graphic.points for v in _place(point)]
    item.GraphicType = graphic.kind
    closed = graphic.kind in ("CIRCLE", "ELLIPSE") or graphic.points[0] == graphic.points[-1]
    if graphic.kind in _CLOSED and closed and len(graphic.points) > 1:
        item.GraphicFilled = "Y" if graphic.filled else "N"
    return item


def graphic_layers(names: Sequence[str]) -> list[Dataset]:
    """Graphic Layer Sequence, each name once, in order (C.10.7)."""
    found = []
    for order, name in enumerate(dict.fromkeys(names), 1):
        item = Dataset()
        item.GraphicLayer, item.GraphicLayerOrder = name, order
        found.append(item)
    return found
