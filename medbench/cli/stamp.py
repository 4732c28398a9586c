"""The words that every exported picture of the command line carries."""

from typing import Any

import numpy as np

from medbench.base.paths import resource

STAMP = "Research use - not for diagnosis"
_LEAST_PX, _PART = 11, 40
_AMBER = (230, 162, 60)


def stamped(picture: np.ndarray, words: str = STAMP) -> np.ndarray:
    """RGB copy of a uint8 picture (rows, columns[, 3]) with words burned into its lower edge."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(picture).convert("RGB")
    pen: Any = ImageDraw.Draw(image)
    size = max(_LEAST_PX, min(image.size) // _PART)
    while True:
        font = ImageFont.truetype(str(resource("fonts", "Inter-Medium.otf")), size)
        left, _top, right, bottom = pen.textbbox((0, 0), words, font=font)
        if right - left <= image.width - 4 or size <= 5:
            break
        size -= 1
    place = (image.width - (right - left)) / 2 - left, image.height - bottom - size / 2
    pen.text(place, words, fill=_AMBER, font=font, stroke_width=max(1, size // 10), stroke_fill=0)
    return np.asarray(image)
