"""Label maps written as NIfTI, read again by SimpleITK and by medbench."""

import gzip
import json

import numpy as np
import pytest

from medbench.base.errors import BadInputError
from medbench.domain.geometry import Geometry
from medbench.domain.segment_edit import EditedSegment
from medbench.formats.nifti import read_nifti
from medbench.formats.nifti_write import write_label_nifti

SEGMENTS = (EditedSegment(1, "Ödem", (86, 180, 233)), EditedSegment(7, "Tumour", (230, 159, 0)))


def turned(hand):
    """An oblique right-handed or left-handed grid."""
    a, b = np.deg2rad(25), np.deg2rad(-40)
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    axes = about_z @ about_x * [1, 1, hand]
    return Geometry((7, 11, 13), (2.5, 0.7, 0.9), (-31.0, 12.5, 4.25), tuple(axes.ravel()))


@pytest.mark.parametrize("hand", [1.0, -1.0])
def test_every_voxel_keeps_its_place(tmp_path, hand):
    import SimpleITK as sitk

    geometry = turned(hand)
    labels = np.random.default_rng(0).integers(0, 8, geometry.shape, dtype=np.uint8)
    path = tmp_path / "labels.nii.gz"
    write_label_nifti(path, labels, geometry, SEGMENTS)
    image = sitk.ReadImage(str(path))
    assert np.array_equal(sitk.GetArrayFromImage(image), labels)
    for index in ((0, 0, 0), (12, 10, 6), (3, 9, 1)):
        assert image.TransformIndexToPhysicalPoint(index) == pytest.approx(
            tuple(geometry.world_from_index(*index)), abs=1e-4
        )
    own = read_nifti(path)
    assert own.warnings == ()  # qform and sform agree
    assert own.positions_mm[6] == pytest.approx(tuple(geometry.world_from_index(0, 0, 6)), abs=1e-4)
    with gzip.open(path) as stream:
        raw = stream.read()
    begin = raw.index(b'{"medbench_segments"')
    names = json.loads(raw[begin : raw.index(b"\0", begin)])["medbench_segments"]
    assert names[0] == {"number": 1, "name": "Ödem", "colour": [86, 180, 233]}
    qform = raw[252:256]
    assert qform == b"\1\0\1\0"


def test_uneven_slices_are_refused_and_nothing_is_left(tmp_path):
    uneven = Geometry(
        (2, 2, 2), (3.0, 1.0, 1.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1), uniform=False,
        positions_mm=((0, 0, 0), (0, 0, 3)),
    )  # fmt: skip
    with pytest.raises(BadInputError, match="DICOM SEG"):
        write_label_nifti(tmp_path / "a.nii.gz", np.zeros((2, 2, 2), np.uint8), uneven, ())
    assert list(tmp_path.iterdir()) == []
