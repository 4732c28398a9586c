"""NIfTI and NRRD files as studies: one study a file, one display a time point."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from medbench.base.errors import BadInputError
from medbench.dicom.geometry import stack_slices
from medbench.dicom.write import stable_uid
from medbench.domain.image import DisplayKind, DisplaySet, FrameRef, Instance, Series, Study
from medbench.formats.nifti import header_of_image, is_nifti, nifti_stem, read_nifti
from medbench.formats.nrrd import is_nrrd, read_nrrd
from medbench.formats.voxel_file import VoxelFile

MODALITY = "OT"
"""These files do not say how a picture was made."""


def is_volume(path: Path) -> bool:
    """By name: a NIfTI or NRRD header, or the voxels of a NIfTI pair."""
    return is_nifti(path) or is_nrrd(path) or header_of_image(path) is not None


def read_voxel_file(path: Path) -> VoxelFile:
    """Read and check the header of a NIfTI or NRRD file.

    Raises
    ------
    BadInputError, IncompleteError
        With the reason in plain words.
    """
    reader: Callable[[Path], VoxelFile] = read_nrrd if is_nrrd(path) else read_nifti
    try:
        return reader(path)
    except OSError as error:
        raise BadInputError(f"{path.name} cannot be read: {error.strerror}") from error


def volume_study(path: Path, name: str = "") -> Study:
    """A study that holds the file's volumes; the patient is called ``name``, else as the file."""
    path = header_of_image(path) or path
    file = read_voxel_file(path)
    stem = name or nifti_stem(path)
    key = str(path.resolve())
    study_uid, series_uid = stable_uid("file-study", key), stable_uid("file-series", key)
    displays = tuple(
        replace(
            display,
            display_id=f"1.1.{index}",
            description=stem,
            study_instance_uid=study_uid,
            series_instance_uid=series_uid,
        )
        for index, display in enumerate(_displays(file), 1)
    )
    frames = file.size("t") * file.size("z")
    instances = [Instance(path, "", "", "", frames)]
    if file.data_path != path:
        instances.append(Instance(file.data_path, "", "", "", 0))
    series = Series(series_uid, MODALITY, stem, 1, tuple(instances), displays)
    return Study(
        study_instance_uid=study_uid, patient_id=stem, patient_name=stem, patient_sex="",
        patient_birth_date="", study_date="", study_time="",
        description=f"{'NIfTI' if file.source == 'nifti' else 'NRRD'} file", institution="",
        series=(series,),
    )  # fmt: skip


def _displays(file: VoxelFile) -> list[DisplaySet]:
    rows, columns, slices = file.size("y"), file.size("x"), file.size("z")
    times = file.size("t")
    stacked = None
    if file.positions_mm and file.spacing_mm is not None:
        stacked = stack_slices(file.positions_mm, file.orientation, file.spacing_mm, rows, columns)
    order = stacked.order if stacked is not None else tuple(range(slices))
    geometry = stacked.geometry if stacked is not None else None
    said = stacked.warnings if stacked is not None else ()
    kind = DisplayKind.VOLUME if geometry is not None and slices > 1 else DisplayKind.STACK
    found = []
    for time in range(times):
        reason = [f"Time point {time + 1} of {times}"] if times > 1 else []
        reason += [file.silent[:1].upper() + file.silent[1:]] if file.silent else []
        reason += list(said) if geometry is not None and not geometry.uniform else []
        frames = tuple(
            FrameRef(
                file.path,
                time * slices + z,
                instance_number=z + 1,
                position_mm=file.positions_mm[z] if stacked is not None else None,
            )
            for z in order
        )
        found.append(
            DisplaySet(
                display_id="",
                kind=kind,
                modality=MODALITY,
                description="",
                rows=rows,
                columns=columns,
                frames=frames,
                geometry=geometry,
                pixel_spacing_mm=file.spacing_mm,
                colour=file.colour,
                photometric="RGB" if file.colour else "MONOCHROME2",
                reason="; ".join(reason),
                warnings=(*file.warnings, *said),
                time_index=time,
                time_count=times,
                time_group=1 if times > 1 else 0,
                source=file.source,
            )
        )
    return found


def upright_turn(orientation: tuple[float, ...]) -> tuple[int, bool]:
    """(clockwise degrees, then left-right flip) that shows a plane as radiologists look at it.

    Rows then run to the patient's left or back, columns to the back or the feet; NIfTI files
    mostly run the other way. Only what is shown turns, never the voxels.
    """
    if len(orientation) != 6:
        return 0, False
    row, column = np.asarray(orientation[:3]), np.asarray(orientation[3:])
    wanted = np.array([1.0, 1.0, -1.0])  # L, P, F
    flip_x = _along(row) * wanted[int(np.argmax(np.abs(row)))] < 0
    flip_y = _along(column) * wanted[int(np.argmax(np.abs(column)))] < 0
    if flip_y:  # turning by 180 degrees flips both
        return 180, not flip_x
    return 0, bool(flip_x)


def _along(vector: np.ndarray) -> float:
    return float(vector[int(np.argmax(np.abs(vector)))])
