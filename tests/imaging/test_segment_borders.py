"""Borders of label maps as pictures, for parts where outlines would cover everything."""

import numpy as np
import pytest

from medbench.imaging.segment_outline import border_labels, crowded


@pytest.mark.parametrize("part", [((0, 40), (0, 50)), ((8, 24), (10, 33)), ((30, 40), (0, 9))])
def test_borders_are_pixels_beside_another_label(part):
    labels = np.random.default_rng(3).integers(0, 3, (40, 50)).astype(np.uint8)
    labels[10:20, 10:30] = 2
    (r0, r1), (c0, c1) = part
    padded = np.pad(labels, 1)
    expected = np.zeros_like(labels)
    for r in range(40):
        for c in range(50):
            cross = ((r, c + 1), (r + 2, c + 1), (r + 1, c), (r + 1, c + 2))
            beside = [padded[place] for place in cross]
            if any(other != labels[r, c] for other in beside):
                expected[r, c] = labels[r, c]
    assert np.array_equal(border_labels(labels, *part), expected[r0:r1, c0:c1])
    assert not border_labels(labels, (12, 18), (12, 28)).any()


def test_noise_is_crowded_and_shapes_are_not():
    noise = np.random.default_rng(1).integers(0, 2, (96, 96)).astype(np.uint8)
    assert crowded(noise, (0, 96), (0, 96))
    y, x = np.ogrid[:96, :96]
    disc = ((y - 48) ** 2 + (x - 48) ** 2 < 40**2).astype(np.uint8)
    assert not crowded(disc, (0, 96), (0, 96))
    stripes = np.broadcast_to((x // 32 % 2).astype(np.uint8), (96, 96))
    assert not crowded(stripes, (0, 96), (0, 96))
