"""Layers as colour on one picture: fill, outlines along pixel edges, scalar fields."""

from typing import Any

import numpy as np
import numpy.typing as npt

from medbench.domain.objects import (
    Colour,
    Layer,
    PaintedLayer,
    PlaneGrid,
    ScalarField,
    Segmentation,
    StructureSet,
)
from medbench.imaging.colormap import colours_of
from medbench.imaging.contours import structure_mask
from medbench.imaging.placing import PlacedSegmentation

Rgba = npt.NDArray[np.uint8]
_FIELD_FADES_IN = 0.1


class LayerArtist:
    """Paints one layer on any picture; what can be prepared once is kept."""

    def __init__(self, layer: Layer, frame_of_reference_uid: str) -> None:
        """Prepare.

        Raises
        ------
        BadInputError
            A segmentation of another frame of reference: it must not be drawn.
        """
        self._payload = layer.payload
        self._placed: PlacedSegmentation | None = None
        if isinstance(layer.payload, Segmentation):
            self._placed = PlacedSegmentation(layer.payload, frame_of_reference_uid)
        self._reference = frame_of_reference_uid

    def paint(
        self, layer: Layer, grid: PlaneGrid | None, instance: tuple[str, int], thickness_mm: float
    ) -> PaintedLayer:
        """The layer on the picture of ``grid``, or pixel to pixel on ``instance`` without one.

        ``thickness_mm`` is the slice spacing; contours within half of it belong to the picture.
        """
        look = layer.look
        if isinstance(self._payload, ScalarField):
            if grid is None:
                return PaintedLayer(layer.key, None)
            return PaintedLayer(layer.key, field_picture(self._payload, grid, look.fill))
        masks: list[tuple[Colour, npt.NDArray[np.bool_]]] = []
        if isinstance(self._payload, StructureSet):
            for structure in self._payload.structures:
                if structure.segment.number in look.hidden or grid is None:
                    continue
                if structure.frame_of_reference_uid not in ("", self._reference):
                    continue
                inside = structure_mask(structure, grid, thickness_mm)
                masks.append((structure.segment.colour, inside))
        else:
            masks = self._segments(layer, grid, instance)
        drawn = [(colour, mask) for colour, mask in masks if mask.any()]
        if not drawn:
            return PaintedLayer(layer.key, None)
        outlines = tuple((colour, mask_outline(mask)) for colour, mask in drawn)
        return PaintedLayer(layer.key, mask_picture(drawn, look.fill), outlines)

    def _segments(
        self, layer: Layer, grid: PlaneGrid | None, instance: tuple[str, int]
    ) -> list[tuple[Colour, npt.NDArray[np.bool_]]]:
        placed = self._placed
        assert placed is not None
        found = []
        for segment in placed.segmentation.segments:
            if segment.number in layer.look.hidden:
                continue
            if grid is not None and placed.placed:
                mask: npt.NDArray[np.bool_] | None = placed.mask(segment.number, grid)
            else:
                mask = placed.of_instance(segment.number, *instance)
            if mask is not None:
                found.append((segment.colour, mask))
        return found


def mask_picture(masks: list[tuple[Colour, npt.NDArray[np.bool_]]], opacity: float) -> Rgba:
    """Premultiplied colour of masks, later ones over earlier ones."""
    shape = masks[0][1].shape
    out = np.zeros((*shape, 4), np.float32)
    for colour, mask in masks:
        layer = np.array([*(v * opacity for v in colour), 255 * opacity], np.float32)
        out[mask] = out[mask] * (1 - opacity) + layer
    return np.asarray(np.rint(out), np.uint8)


def mask_outline(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Border of a mask as lines (n, 4) x0, y0, x1, y1 along pixel edges; runs are joined."""
    padded = np.pad(mask, 1)
    across = padded[1:, 1:-1] != padded[:-1, 1:-1]  # (rows + 1, columns): edge above a pixel
    down = padded[1:-1, 1:] != padded[1:-1, :-1]  # (rows, columns + 1): edge left of a pixel
    y, x0, x1 = _runs(across)
    x, y0, y1 = _runs(down.T)
    lines = [np.stack([x0, y, x1, y], axis=1), np.stack([x, y0, x, y1], axis=1)]
    return np.concatenate(lines).astype(np.float32)


def _runs(edges: npt.NDArray[np.bool_]) -> tuple[Any, Any, Any]:
    """(line, begin, end) of each run of True along the second axis."""
    step = np.diff(np.pad(edges.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    line, begin = np.nonzero(step == 1)
    _, end = np.nonzero(step == -1)
    return line, begin, end


def field_values(found: ScalarField, grid: PlaneGrid) -> npt.NDArray[np.float32]:
    """Values of a field at the picture's pixels (linear); NaN outside its volume."""
    from scipy.ndimage import map_coordinates  # heavy; only where a field is shown

    inverse = np.linalg.inv(found.geometry.matrix)
    points = grid.points()
    index = points @ inverse[:3, :3].T + inverse[:3, 3]
    zyx = np.moveaxis(index[..., ::-1], -1, 0)
    values = map_coordinates(
        found.voxels.astype(np.float32, copy=False), zyx, order=1, mode="constant", cval=np.nan
    )
    return np.asarray(values, np.float32)


def field_picture(found: ScalarField, grid: PlaneGrid, opacity: float) -> Rgba | None:
    """Colour wash of a field: fades in up to a tenth of its largest value, then evenly opaque."""
    values = field_values(found, grid)
    high = found.value_range[1]
    level = np.nan_to_num(values / (high if high > 0 else 1.0))
    alpha = np.clip(level / _FIELD_FADES_IN, 0, 1) * opacity
    if not alpha.any():
        return None
    out = np.empty((*values.shape, 4), np.uint8)
    out[..., :3] = np.rint(colours_of(level) * alpha[..., None])
    out[..., 3] = np.rint(alpha * 255)
    return out
