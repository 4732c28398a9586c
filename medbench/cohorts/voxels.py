"""Pictures, volumes and their masks as voxels with a place: the one reader for segmentation.

Masks and images go through the same function, so a pair can only match if the files do.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError, DecodeError
from medbench.cohorts.reading import item_path, read_picture
from medbench.domain.cohort import Item, ItemKind
from medbench.domain.geometry import Geometry

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})
_PLACE_TOLERANCE = 0.5
"""In voxels: a mask whose corner lies farther off belongs to another grid."""


@dataclass(frozen=True, eq=False)
class Voxels:
    """One picture (a single slice) or volume."""

    values: np.ndarray[Any, Any]
    """(z, y, x) or (z, y, x, 3) for colour."""
    spacing_mm: tuple[float, float, float]
    """Between voxels along z, y, x; 1 where nothing is known."""
    geometry: Geometry | None = None
    """Place in the patient, where the file says it."""
    modality: str = ""
    """As DICOM says it; '' elsewhere."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        z, y, x = self.values.shape[:3]
        return z, y, x

    @property
    def flat(self) -> bool:
        """Whether it is a picture, without depth."""
        return self.values.shape[0] == 1


def read_voxels(path: Path) -> Voxels:
    """Voxels of a NIfTI, NRRD, picture or .npy file, or of a DICOM file or series folder.

    Raises
    ------
    DecodeError, BadInputError
        It cannot be read whole, or holds several volumes.
    """
    path = Path(path)
    if path.is_file() and path.suffix.lower() in PICTURES:
        picture = read_picture(path)
        return Voxels(picture[None], (1.0, 1.0, 1.0))
    if path.is_file() and path.suffix.lower() == ".npy":
        try:
            values = np.load(path, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise DecodeError(f"{path.name} cannot be read: {error}") from error
        return of_array(values, path.name)
    if not path.exists():
        raise DecodeError(f"{path.name} is gone")
    return _displayed(path)


def of_array(values: np.ndarray[Any, Any], name: str) -> Voxels:
    """Voxels of an array (y, x), (y, x, 3) or (z, y, x)."""
    if values.dtype.kind not in "uifb" or values.size == 0:
        raise DecodeError(f"{name} holds no numbers")
    if values.ndim == 2 or (values.ndim == 3 and values.shape[-1] == 3):
        values = values[None]
    elif values.ndim == 3 and values.shape[-1] == 1:
        values = values[None, ..., 0]
    if values.ndim not in (3, 4) or (values.ndim == 4 and values.shape[-1] != 3):
        raise DecodeError(f"{name} is no picture or volume: {values.shape}")
    return Voxels(values, (1.0, 1.0, 1.0))


def _displayed(path: Path) -> Voxels:
    from medbench.dicom.scan import scan
    from medbench.formats.opening import open_display
    from medbench.formats.volumes import is_volume, volume_study

    if path.is_file() and is_volume(path):
        displays = list(volume_study(path).series[0].displays)
    else:
        result = scan([path])
        displays = [d for s in result.studies for series in s.series for d in series.displays]
    if len(displays) != 1:
        held = f"{len(displays)} volumes; one belongs" if displays else "no image"
        raise BadInputError(f"{path.name} holds {held}")
    display = displays[0]
    with open_display(display) as reader:
        volume = reader.load()
        if volume.failed:
            at, reason = next(iter(volume.failed.items()))
            raise DecodeError(f"{path.name}, slice {at + 1}: {reason}")
        values = np.array(volume.voxels)
    geometry = volume.geometry
    spacing = geometry.spacing_mm if geometry is not None else (1.0, 1.0, 1.0)
    if geometry is None and display.pixel_spacing_mm is not None:
        spacing = (1.0, *display.pixel_spacing_mm)
    known = display.modality if display.source == "dicom" else ""
    return Voxels(values, spacing, geometry, known)


def item_voxels(item: Item, folder: Path) -> Voxels:
    """Voxels of a case's item.

    Raises
    ------
    DecodeError, BadInputError
        As `read_voxels`; or the array of the cohort is gone.
    """
    if item.kind is not ItemKind.ARRAY:
        return read_voxels(item_path(item, folder))
    if Path(item.path).name != item.path:
        raise BadInputError(f"The cohort names an array outside its folder: {item.path}.")
    try:
        array = np.load(folder / item.path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadInputError(f"{item.path} of the cohort cannot be read: {error}.") from error
    return of_array(np.array(array[item.index]), f"{item.path} row {item.index}")


def mask_codes(mask: Voxels, name: str) -> np.ndarray[Any, Any]:
    """Mask as uint8 codes (z, y, x); a picture mask of 0 and 255 means 0 and 1.

    Raises
    ------
    BadInputError
        The values are no whole numbers from 0 to 255, or the mask is in colour.
    """
    values = mask.values
    if values.ndim == 4:
        raise BadInputError(f"{name} is a colour picture: a mask holds one number a pixel")
    found = np.unique(values)
    if len(found) > 256 or not np.isfinite(found.astype(float)).all():
        raise BadInputError(f"{name} holds {len(found)} different values: it is no mask")
    if (found < 0).any() or (found > 255).any() or (found != np.round(found)).any():
        raise BadInputError(f"{name} holds {found.min():g} to {found.max():g}: it is no mask")
    if mask.flat and set(found.tolist()) in ({0, 255}, {255}):
        return (values > 0).astype(np.uint8)
    return values.astype(np.uint8)


def mismatch_of(image: Voxels, mask: Voxels) -> str:
    """Why a mask does not belong to an image; '' where it does."""
    if image.shape != mask.shape:
        ours, theirs = (" x ".join(map(str, v.shape[::-1])) for v in (image, mask))
        return f"the image has {ours} voxels, the mask {theirs}"
    if image.geometry is None or mask.geometry is None:
        return ""
    z, y, x = (s - 1 for s in image.shape)
    corners = [(i, j, k) for i in (0, x) for j in (0, y) for k in (0, z)]
    points = [
        np.array([geometry.world_from_index(*c) for c in corners])
        for geometry in (image.geometry, mask.geometry)
    ]
    apart = float(np.linalg.norm(points[0] - points[1], axis=1).max())
    if apart > _PLACE_TOLERANCE * max(min(image.spacing_mm), 1e-3):
        return f"image and mask lie up to {apart:.1f} mm apart in the patient"
    return ""
