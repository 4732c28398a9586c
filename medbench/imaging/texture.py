"""Texture of a picture in numbers: co-occurrence, binary patterns, oriented edges.

All take (y, x) values in 0..1 of a square picture and return finite numbers. Sources: Haralick,
Shanmugam and Dinstein, IEEE Trans. SMC 1973; Ojala, Pietikäinen and Mäenpää, IEEE TPAMI 2002;
Dalal and Triggs, CVPR 2005.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
_CLIP = 0.2
"""Largest part one direction may have in a block of oriented edges (Dalal and Triggs, 6.4)."""


def co_occurrence(
    unit: Floats, *, levels: int = 16, steps: tuple[int, ...] = (1, 2, 4)
) -> Floats:  # fmt: skip
    """Six measures of the grey-level co-occurrence matrix, per step and direction.

    Contrast, dissimilarity, homogeneity, energy (angular second moment), entropy, correlation; the
    directions are 0, 90, 45 and 135 degrees, each matrix is made symmetric. (steps * 4 * 6,)
    """
    grey = np.minimum((unit * levels).astype(np.int64), levels - 1)
    i, j = np.indices((levels, levels), dtype=np.float64)
    found: list[float] = []
    for step in steps:
        for dy, dx in ((0, step), (step, 0), (step, step), (step, -step)):
            rows, columns = grey.shape
            first = grey[: rows - dy, max(0, -dx) : columns - max(0, dx)]
            second = grey[dy:, max(0, dx) : columns + min(0, dx)]
            pairs = np.bincount((first * levels + second).ravel(), minlength=levels**2)
            matrix = pairs.reshape(levels, levels).astype(np.float64)
            matrix += matrix.T
            matrix /= max(float(matrix.sum()), 1.0)
            mean = float((i * matrix).sum())
            variance = float(((i - mean) ** 2 * matrix).sum())
            covariance = float(((i - mean) * (j - mean) * matrix).sum())
            known = matrix[matrix > 0]
            found += [
                float(((i - j) ** 2 * matrix).sum()),
                float((np.abs(i - j) * matrix).sum()),
                float((matrix / (1 + (i - j) ** 2)).sum()),
                float((matrix**2).sum()),
                float(-(known * np.log(known)).sum()),
                # a picture of one grey is perfectly correlated with itself
                covariance / variance if variance > 1e-12 else 1.0,
            ]
    return np.array(found)


def binary_patterns(
    unit: Floats, *, radii: tuple[int, ...] = (1, 2, 3), boxes: int = 2
) -> Floats:  # fmt: skip
    """Histograms of rotation-invariant uniform local binary patterns, per radius and box.

    The picture is cut into ``boxes`` x ``boxes``; 10 bins each. (radii * boxes * boxes * 10,)
    """
    size = unit.shape[0]
    found = []
    for radius in radii:
        centre = unit[radius:-radius, radius:-radius]
        bits = np.stack(
            [
                unit[
                    radius * (1 + y) : size - radius + radius * y,
                    radius * (1 + x) : size - radius + radius * x,
                ]
                >= centre
                for y, x in _NEIGHBOURS
            ]
        )
        changes = (bits != np.roll(bits, 1, axis=0)).sum(axis=0)
        code = np.where(changes <= 2, bits.sum(axis=0), 9)
        cuts = np.linspace(0, code.shape[0], boxes + 1).astype(int)
        for y in range(boxes):
            for x in range(boxes):
                part = code[cuts[y] : cuts[y + 1], cuts[x] : cuts[x + 1]]
                found.append(np.bincount(part.ravel(), minlength=10) / part.size)
    return np.concatenate(found)


def oriented_edges(unit: Floats, *, cell: int = 16, directions: int = 9) -> Floats:
    """Histograms of oriented gradients: cells, blocks of 2 x 2 cells, clipped norm.

    Votes are shared between the two nearest directions (0 to 180 degrees).
    ((cells - 1)^2 * 4 * directions,)
    """
    gy, gx = np.gradient(unit)
    strength = np.hypot(gy, gx)
    place = np.mod(np.arctan2(gy, gx), np.pi) / np.pi * directions - 0.5
    lower = np.floor(place).astype(np.int64)
    share = place - lower
    cells = unit.shape[0] // cell
    y, x = np.indices(unit.shape) // cell
    inside = (y < cells) & (x < cells)
    at = (y * cells + x)[inside] * directions
    votes = np.zeros(cells * cells * directions)
    for bin_, weight in ((lower, 1 - share), (lower + 1, share)):
        index = at + np.mod(bin_, directions)[inside]
        votes += np.bincount(index, (strength * weight)[inside], minlength=len(votes))
    table = votes.reshape(cells, cells, directions)
    found = []
    for row in range(cells - 1):
        for column in range(cells - 1):
            block = table[row : row + 2, column : column + 2].ravel()
            block = block / np.sqrt((block**2).sum() + 1e-4)
            block = np.minimum(block, _CLIP)
            found.append(block / np.sqrt((block**2).sum() + 1e-4))
    return np.concatenate(found)
