"""Label maps of a model as DICOM Segmentations, which Review draws over their images."""

from pathlib import Path

from medbench.base.ids import new_id, now_iso
from medbench.domain.model import Prediction
from medbench.domain.segment_edit import EditedSegment, EditedSegmentation, grid_of_display

COLOURS = ((230, 85, 70), (70, 150, 230), (240, 190, 60), (110, 190, 110), (170, 110, 210),
           (90, 200, 200), (240, 130, 180), (160, 140, 90))  # fmt: skip


def write_label_object(prediction: Prediction, source: Path, out: Path) -> Path | None:
    """Write the label map of a DICOM input as Segmentation object (PS3.3 A.51) into ``out``.

    Returns None where the input is no DICOM, or nothing was found in it. The segments say that an
    algorithm drew them, with the model's name and version (C.8.20.2).

    Raises
    ------
    BadInputError, OSError
        The label map or the images cannot be read any more, or the disk refuses.
    """
    from medbench.cohorts.voxels import read_voxels
    from medbench.dicom.scan import scan
    from medbench.dicom.writing.heading import source_study
    from medbench.dicom.writing.seg import write_segmentation
    from medbench.formats.volumes import is_volume

    if not prediction.label_map_path.endswith(".nii.gz") or is_volume(source):
        return None
    studies = scan([source]).studies
    displays = [d for s in studies for series in s.series for d in series.displays]
    labels = read_voxels(Path(prediction.label_map_path)).values
    if len(displays) != 1 or not labels.any():
        return None
    display = displays[0]
    geometry, placed, mm_known = grid_of_display(display)
    segments = tuple(
        EditedSegment(k, name, COLOURS[(k - 1) % len(COLOURS)])
        for k, name in enumerate(prediction.classes)
        if k
    )
    segmentation = EditedSegmentation(
        new_id("segmentation"), f"Segments by {prediction.model}", display.study_instance_uid,
        display.series_instance_uid, display.key, geometry, placed, mm_known, segments,
        created=now_iso(),
    )  # fmt: skip
    path = out / (Path(prediction.label_map_path).name.removesuffix(".nii.gz") + ".dcm")
    write_segmentation(
        path, labels, segmentation, source_study(studies[0]), display.frames,
        algorithm=prediction.model,
    )  # fmt: skip
    return path
