"""Outlines of an attribution map: marching squares at a share of its peak, largest parts first."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_WORK_PX = 192
"""The map is made from a few cells: outlines finer than this show nothing more."""


def attribution_outlines(
    heat: NDArray[np.floating], share: float = 0.5, most: int = 3, least: float = 0.04
) -> list[tuple[Floats, float]]:
    """Closed outlines around what exceeds ``share`` of the map's peak.

    Parameters
    ----------
    heat
        (rows, columns), 0 or more.
    share
        Of the peak, above 0 and below 1.
    most
        Parts at most, by their part of the map's sum.
    least
        Parts with less of the map's sum are left out, but never the largest.

    Returns
    -------
    list
        ((n, 2) row and column on the map's own pixels, part of the map's sum), largest first.
    """
    from scipy import ndimage

    full = np.nan_to_num(np.asarray(heat, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    step = max(1, int(np.ceil(max(full.shape) / _WORK_PX)))
    small = _reduced(full, step)
    peak, total = float(small.max(initial=0.0)), float(small.sum())
    if peak <= 0 or total <= 0:
        return []
    level = share * peak
    parts, count = ndimage.label(small >= level)
    weights = ndimage.sum_labels(small, parts, np.arange(1, count + 1)) / total
    found: list[tuple[Floats, float]] = []
    for number in np.argsort(-weights)[:most]:
        weight = float(weights[number])
        if found and weight < least:
            continue
        own = np.where(parts == number + 1, small, np.minimum(small, level * (1 - 1e-9)))
        loops = contours_at(own, level)
        if loops:
            # block centres: the middle of step x step pixels
            outline = max(loops, key=_absolute_area) * step + (step - 1) / 2
            found.append((np.clip(outline, 0, np.array(full.shape) - 1.0), weight))
    return found


def _reduced(full: Floats, step: int) -> Floats:
    """Mean of blocks; an incomplete last block takes what it has."""
    if step == 1:
        return full
    rows, columns = (np.arange(0, n, step) for n in full.shape)
    sums = np.add.reduceat(np.add.reduceat(full, rows, axis=0), columns, axis=1)
    heights = np.diff(np.append(rows, full.shape[0]))
    widths = np.diff(np.append(columns, full.shape[1]))
    return np.asarray(sums / (heights[:, None] * widths[None, :]))


def contours_at(values: Floats, level: float) -> list[Floats]:
    """Closed lines (n, 2) on which a bilinear picture crosses ``level``; edges count as below.

    Marching squares (Lorensen and Cline, 1987, in two dimensions); in saddle cells the centre's
    mean decides.
    """
    padded = np.pad(np.asarray(values, np.float64), 1, constant_values=-np.inf)
    inside = padded >= level
    code = (
        inside[:-1, :-1] * 8 + inside[:-1, 1:] * 4 + inside[1:, 1:] * 2 + inside[1:, :-1] * 1
    )  # fmt: skip
    follow: dict[tuple[int, int, int], tuple[int, int, int]] = {}
    for row, column in zip(*np.nonzero((code != 0) & (code != 15)), strict=True):
        for start, end in _segments(int(code[row, column]), padded, row, column, level):
            follow[_edge(row, column, start)] = _edge(row, column, end)
    loops = []
    while follow:
        first = next(iter(follow))
        loop, at = [first], follow.pop(first)
        while at != first and at in follow:
            loop.append(at)
            at = follow.pop(at)
        if len(loop) > 2:
            loops.append(np.array([_crossing(padded, edge, level) for edge in loop]) - 1.0)
    return loops


TOP, RIGHT, BOTTOM, LEFT = range(4)
_CASES = {
    1: ((LEFT, BOTTOM),), 2: ((BOTTOM, RIGHT),), 3: ((LEFT, RIGHT),), 4: ((RIGHT, TOP),),
    6: ((BOTTOM, TOP),), 7: ((LEFT, TOP),), 8: ((TOP, LEFT),), 9: ((TOP, BOTTOM),),
    11: ((TOP, RIGHT),), 12: ((RIGHT, LEFT),), 13: ((RIGHT, BOTTOM),), 14: ((BOTTOM, LEFT),),
}  # fmt: skip
"""Sides of a cell a line enters and leaves, inside always on the same hand."""


def _segments(
    code: int, padded: Floats, row: int, column: int, level: float
) -> tuple[tuple[int, int], ...]:
    if code not in (5, 10):
        return _CASES[code]
    joined = float(padded[row : row + 2, column : column + 2].mean()) >= level
    if code == 5:  # top right and bottom left are inside
        return ((LEFT, TOP), (RIGHT, BOTTOM)) if joined else ((RIGHT, TOP), (LEFT, BOTTOM))
    return ((TOP, RIGHT), (BOTTOM, LEFT)) if joined else ((TOP, LEFT), (BOTTOM, RIGHT))


def _edge(row: int, column: int, side: int) -> tuple[int, int, int]:
    """A side of a cell, named alike by both cells that share it: (row, column, down)."""
    if side == TOP:
        return int(row), int(column), 0
    if side == BOTTOM:
        return int(row) + 1, int(column), 0
    return int(row), int(column) + (side == RIGHT), 1


def _crossing(padded: Floats, edge: tuple[int, int, int], level: float) -> tuple[float, float]:
    row, column, down = edge
    here = padded[row, column]
    there = padded[row + 1, column] if down else padded[row, column + 1]
    if np.isinf(here):
        part = 1.0  # beyond the picture's edge: the line runs along its outermost pixels
    elif np.isinf(there):
        part = 0.0
    else:
        part = float((level - here) / (there - here))
    return (row + part, float(column)) if down else (float(row), column + part)


def area_of(outline: Floats) -> float:
    """Signed area of a closed outline (shoelace), square pixels."""
    row, column = outline[:, 0], outline[:, 1]
    return 0.5 * float(
        (column * np.roll(row, -1) - np.roll(column, -1) * row).sum()
    )  # fmt: skip


def _absolute_area(outline: Floats) -> float:
    return abs(area_of(outline))


def simplified(outline: Floats, tolerance: float) -> Floats:
    """Fewer corners, none farther than ``tolerance`` pixels off (Douglas and Peucker, 1973)."""
    n = len(outline)
    if n < 5:
        return np.asarray(outline, np.float64)
    far = int(np.argmax(((outline - outline[0]) ** 2).sum(axis=1)))
    closed = np.vstack([outline, outline[:1]])
    keep = np.zeros(n + 1, bool)
    keep[[0, far, n]] = True
    stack = [(0, far), (far, n)]
    while stack:
        a, b = stack.pop()
        if b - a < 2:
            continue
        away = _distances(closed[a + 1 : b], closed[a], closed[b])
        worst = int(np.argmax(away))
        if away[worst] > tolerance:
            middle = a + 1 + worst
            keep[middle] = True
            stack += [(a, middle), (middle, b)]
    kept = closed[:-1][keep[:-1]]
    return kept if len(kept) >= 3 else np.asarray(outline, np.float64)


def _distances(points: Floats, start: Floats, end: Floats) -> Floats:
    line = end - start
    length = float(np.hypot(*line))
    delta = points - start
    if length == 0:
        return np.asarray(np.hypot(delta[:, 0], delta[:, 1]))
    return np.asarray(np.abs(delta[:, 0] * line[1] - delta[:, 1] * line[0]) / length)


def redrawn(outline: Floats, stroke: Floats) -> Floats:
    """The outline with the stretch between a stroke's ends replaced by the stroke.

    The shorter stretch (by length along the outline) goes, as a hand that corrects a bulge wants.
    """
    if len(stroke) < 2:
        return outline
    start, end = (int(np.argmin(((outline - p) ** 2).sum(axis=1))) for p in (stroke[0], stroke[-1]))
    turned = np.roll(outline, -start, axis=0)
    cut = (end - start) % len(outline)
    steps = np.hypot(*np.diff(np.vstack([turned, turned[:1]]), axis=0).T)
    ahead, behind = float(steps[:cut].sum()), float(steps[cut:].sum())
    rest = turned[cut:] if ahead <= behind else turned[: cut + 1][::-1]
    return np.vstack([stroke, rest[1:] if len(rest) > 1 else rest])
