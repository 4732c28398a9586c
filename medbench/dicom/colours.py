"""Colours of segments: CIELab of DICOM to sRGB (PS3.3 C.10.7.1.1), and a default palette."""

from collections.abc import Sequence

import numpy as np

# Okabe and Ito's colour-blind safe palette (2008), brightest first for dark pictures
_PALETTE = (
    (86, 180, 233), (230, 159, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (213, 94, 0),
    (0, 114, 178), (160, 160, 255), (140, 220, 120), (255, 150, 150),
)  # fmt: skip
_XYZ_TO_RGB = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)
_D50_TO_D65 = np.array(
    [[0.9555766, -0.0230393, 0.0631636], [-0.0282895, 1.0099416, 0.0210077],
     [0.0122982, -0.0204830, 1.3299098]]
)  # fmt: skip
_WHITE_D50 = np.array([0.9642, 1.0, 0.8249])


def palette_colour(number: int) -> tuple[int, int, int]:
    """Colour of the n-th segment where the file names none."""
    return _PALETTE[(number - 1) % len(_PALETTE)]


def from_cielab(value: Sequence[int]) -> tuple[int, int, int]:
    """SRGB of a Recommended Display CIELab Value (three 16-bit integers, white D50)."""
    light = float(value[0]) * 100.0 / 65535.0
    a, b = (float(v) * 255.0 / 65535.0 - 128.0 for v in value[1:3])
    fy = (light + 16.0) / 116.0
    f = np.array([fy + a / 500.0, fy, fy - b / 200.0])
    xyz = np.where(f > 6 / 29, f**3, (f - 16 / 116) * 3 * (6 / 29) ** 2) * _WHITE_D50
    linear = np.clip(_XYZ_TO_RGB @ (_D50_TO_D65 @ xyz), 0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return tuple(int(v) for v in np.rint(np.clip(rgb, 0, 1) * 255))  # type: ignore[return-value]


def to_cielab(colour: Sequence[int]) -> tuple[int, int, int]:
    """Recommended Display CIELab Value of an sRGB colour; the inverse of `from_cielab`."""
    rgb = np.asarray(colour, float) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.linalg.solve(_XYZ_TO_RGB @ _D50_TO_D65, linear) / _WHITE_D50
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 16 / 116)
    light, a, b = 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])
    stored = np.array([light * 65535 / 100, (a + 128) * 65535 / 255, (b + 128) * 65535 / 255])
    return tuple(int(v) for v in np.rint(np.clip(stored, 0, 65535)))  # type: ignore[return-value]
