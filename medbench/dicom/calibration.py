"""Read a frame's calibration: the one place where a pixel's size is decided."""

import math
from typing import Any

from medbench.domain.calibration import Calibration, MmSource, UltrasoundRegion

_ULTRASOUND = frozenset({"US", "IVUS"})


def read_calibration(dataset: Any, frame_source: Any = None, frame: int = 0) -> Calibration:
    """Calibration of a data set (T22 to T26).

    ``frame_source`` is the Pixel Measures item of an enhanced frame, where there is one.
    """
    regions = _regions(dataset)
    if regions:
        return Calibration(MmSource.ULTRASOUND, regions=regions)
    pixel = _pair(frame_source, "PixelSpacing") or _pair(dataset, "PixelSpacing")
    if "MOSAIC" in [str(v).upper() for v in _many(dataset.get("ImageType"))]:
        return Calibration()  # tiles of several slices: no length across them
    if pixel and (frame_source is not None or _numbers(dataset, "ImagePositionPatient", 3)):
        return Calibration(MmSource.PATIENT, *pixel)
    imager = _pair(dataset, "ImagerPixelSpacing")
    scanned = _pair(dataset, "NominalScannedPixelSpacing")
    if imager or _text(dataset, "PixelSpacingCalibrationType"):
        return _projection(dataset, pixel, imager)
    if scanned and (pixel is None or _same(pixel, scanned)):
        return Calibration(MmSource.SCANNER, *scanned)
    if pixel is None:
        return Calibration()
    if str(dataset.get("Modality", "")) in ("CT", "MR", "PT", "NM"):
        return Calibration(MmSource.PATIENT, *pixel)
    return Calibration(MmSource.UNKNOWN, *pixel)


def _projection(
    dataset: Any, pixel: tuple[float, float] | None, imager: tuple[float, float] | None
) -> Calibration:
    """PS3.3 10.7.1.1: equal spacings are the detector's; different ones were corrected."""
    if pixel is not None and (imager is None or not _same(pixel, imager)):
        kind = _text(dataset, "PixelSpacingCalibrationType").upper()
        named = {"GEOMETRY": MmSource.GEOMETRY, "FIDUCIAL": MmSource.FIDUCIAL}
        return Calibration(named.get(kind, MmSource.CORRECTED), *pixel)
    assert imager is not None
    factor = _magnification(dataset)
    if factor is not None:
        return Calibration(MmSource.MAGNIFIED, imager[0] / factor, imager[1] / factor)
    return Calibration(MmSource.DETECTOR, *imager)


def _magnification(dataset: Any) -> float | None:
    """Estimated factor, else from the distances; None where nothing usable is stated (T23)."""
    stated = _number(dataset, "EstimatedRadiographicMagnificationFactor")
    if stated is not None:
        return stated if stated > 0 and stated != 1.0 else None
    detector = _number(dataset, "DistanceSourceToDetector")
    patient = _number(dataset, "DistanceSourceToPatient")
    if detector is None or patient is None or not 0 < patient < detector:
        return None
    return detector / patient


def _regions(dataset: Any) -> tuple[UltrasoundRegion, ...]:
    """Regions clamped to the picture; damaged ones are left out."""
    found = []
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    for item in dataset.get("SequenceOfUltrasoundRegions") or ():
        try:
            left, top = int(item.RegionLocationMinX0), int(item.RegionLocationMinY0)
            right, bottom = int(item.RegionLocationMaxX1), int(item.RegionLocationMaxY1)
            region = UltrasoundRegion(
                max(0, left), max(0, top),
                min(right, columns - 1) if columns else right,
                min(bottom, rows - 1) if rows else bottom,
                int(item.get("PhysicalUnitsXDirection") or 0),
                int(item.get("PhysicalUnitsYDirection") or 0),
                abs(float(item.get("PhysicalDeltaX") or 0.0)),
                abs(float(item.get("PhysicalDeltaY") or 0.0)),
                bool(int(item.get("RegionFlags") or 0) & 1),
            )  # fmt: skip
        except (AttributeError, TypeError, ValueError):
            continue
        if region.right >= region.left and region.bottom >= region.top:
            found.append(region)
    return tuple(found)


def pixel_aspect(dataset: Any) -> tuple[float, float] | None:
    """(vertical, horizontal) size of a pixel where no spacing is known (C.7.6.3.1.7)."""
    if any(_pair(dataset, k) for k in ("PixelSpacing", "ImagerPixelSpacing",
                                       "NominalScannedPixelSpacing")):  # fmt: skip
        return None
    ratio = _pair(dataset, "PixelAspectRatio")
    return None if ratio is None or ratio[0] == ratio[1] else ratio


def _same(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return all(math.isclose(x, y, rel_tol=1e-4) for x, y in zip(a, b, strict=True))


def _pair(source: Any, keyword: str) -> tuple[float, float] | None:
    found = _numbers(source, keyword, 2) if source is not None else None
    return (found[0], found[1]) if found and min(found) > 0 else None


def _numbers(source: Any, keyword: str, count: int) -> list[float] | None:
    try:
        found = [float(v) for v in _many(source.get(keyword))]
    except (TypeError, ValueError):
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None


def _number(source: Any, keyword: str) -> float | None:
    found = _numbers(source, keyword, 1)
    return found[0] if found else None


def _many(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return [value] if isinstance(value, (str, int, float)) else list(value)


def _text(source: Any, keyword: str) -> str:
    return str(source.get(keyword, "") or "").strip()
