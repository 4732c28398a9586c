"""Outlines of a label map along pixel edges, all labels at once, for any part of a picture."""

import numpy as np
import numpy.typing as npt

Lines = npt.NDArray[np.float32]
"""(n, 4): x0, y0, x1, y1 in picture coordinates; pixel edges are whole numbers."""
_Ints = npt.NDArray[np.intp]
_CROWDED = 700
"""Changes of label along the rows of a part: a threshold in noise, whose outlines cover all."""


def crowded(labels: npt.NDArray[np.uint8], rows: tuple[int, int], columns: tuple[int, int]) -> bool:
    """Whether so many outlines lie in a part of a picture that they are no lines any more."""
    part = labels[rows[0] : rows[1], columns[0] : columns[1]]
    return bool(np.count_nonzero(part[:, 1:] != part[:, :-1]) > _CROWDED)


def border_labels(
    labels: npt.NDArray[np.uint8], rows: tuple[int, int], columns: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """Pixels of a part of a picture with a neighbour (of four) of another label; 0 elsewhere.

    Outside of the picture lies label 0.
    """
    (r0, r1), (c0, c1) = rows, columns
    height, width = labels.shape
    block = np.zeros((r1 - r0 + 2, c1 - c0 + 2), np.uint8)
    top, left = max(0, r0 - 1), max(0, c0 - 1)
    inner = labels[top : min(height, r1 + 1), left : min(width, c1 + 1)]
    i, j = top - r0 + 1, left - c0 + 1
    block[i : i + inner.shape[0], j : j + inner.shape[1]] = inner
    own = block[1:-1, 1:-1]
    edge = own != block[:-2, 1:-1]
    for other in (block[2:, 1:-1], block[1:-1, :-2], block[1:-1, 2:]):
        edge |= own != other
    return np.where(edge, own, np.uint8(0))


def label_outlines(
    labels: npt.NDArray[np.uint8], rows: tuple[int, int], columns: tuple[int, int]
) -> list[tuple[int, Lines]]:
    """Borders of every label (but 0) inside a part of a picture; runs along an edge are joined.

    Edges on the lower and right border of the part belong to its neighbours, unless the picture
    ends there; where two labels touch, both have the edge.
    """
    (r0, r1), (c0, c1) = rows, columns
    height, width = labels.shape
    top, left = max(0, r0 - 1), max(0, c0 - 1)
    bottom, right = min(height, r1 + 1), min(width, c1 + 1)
    inner = labels[top:bottom, left:right]
    first = int(inner[0, 0])
    at_border = r0 == 0 or c0 == 0 or r1 == height or c1 == width
    if (first == 0 or not at_border) and bool((inner == first).all()):
        return []
    block = np.zeros((r1 - r0 + 2, c1 - c0 + 2), np.uint8)
    block[top - r0 + 1 : bottom - r0 + 1, left - c0 + 1 : right - c0 + 1] = inner
    last_row = None if r1 == height else -1
    last_column = None if c1 == width else -1
    level = _edges(block[:-1, 1:-1][:last_row], block[1:, 1:-1][:last_row])
    upright = _edges(block[1:-1, :-1].T[:last_column], block[1:-1, 1:].T[:last_column])
    y, x0, x1, across = level
    x, y0, y1, along = upright
    lines = np.concatenate([
        np.stack([x0 + c0, y + r0, x1 + c0, y + r0], axis=1),
        np.stack([x + c0, y0 + r0, x + c0, y1 + r0], axis=1),
    ]).astype(np.float32)  # fmt: skip
    names = np.concatenate([across, along])
    present = np.flatnonzero(np.bincount(names, minlength=256))
    return [(int(n), lines[names == n]) for n in present]


def _edges(
    before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]
) -> tuple[_Ints, _Ints, _Ints, _Ints]:
    """(line, begin, end, label) of runs where the two sides of an edge differ."""
    line, place = np.nonzero(before != after)
    parts = [_runs(line, place, side[line, place]) for side in (before, after)]
    a, b, c, d = (np.concatenate(both) for both in zip(*parts, strict=True))
    return a, b, c, d


def _runs(
    line: _Ints, place: _Ints, names: npt.NDArray[np.uint8]
) -> tuple[_Ints, _Ints, _Ints, _Ints]:
    named = names > 0
    line, place, label = line[named], place[named], names[named].astype(np.intp)
    if not len(line):
        return line, place, place, label
    starts = np.ones(len(line), bool)
    starts[1:] = (line[1:] != line[:-1]) | (place[1:] != place[:-1] + 1) | (label[1:] != label[:-1])
    begin = np.flatnonzero(starts)
    end = np.append(begin[1:], len(line)) - 1
    return line[begin], place[begin], place[end] + 1, label[begin]
