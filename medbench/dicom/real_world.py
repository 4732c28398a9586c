"""Real World Value Mapping: stored values to quantities with units (PS3.3 C.7.6.16.2.11)."""

from typing import Any

import numpy as np

from medbench.dicom.voi import Rescale, line
from medbench.domain.image import VoiLut

PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"


def real_world_mapping(item: Any) -> Rescale | None:
    """The line or the table of one mapping; None where it is neither."""
    if item is None:
        return None
    slope, intercept = (_number(item, f"RealWorldValue{k}") for k in ("Slope", "Intercept"))
    if slope is not None:
        return line(slope, intercept or 0.0)
    table = item.get("RealWorldValueLUTData")
    first = _number(item, "RealWorldValueFirstValueMapped")
    if table is None or first is None:
        return None
    values = np.atleast_1d(np.asarray(table, np.float64)).astype(np.float32)
    if not len(values):
        return None
    values.setflags(write=False)
    return Rescale(lut=VoiLut(int(first), values))


def real_world_unit(item: Any) -> str:
    """Unit as UCUM writes it; '' for pure numbers."""
    codes = item.get("MeasurementUnitsCodeSequence") if item is not None else None
    if not codes:
        return ""
    value, meaning = (str(codes[0].get(k, "") or "") for k in ("CodeValue", "CodeMeaning"))
    scheme = str(codes[0].get("CodingSchemeDesignator", "") or "")
    found = value if scheme == "UCUM" or not meaning else meaning
    return "" if found in ("1", "no units") else found


def _number(item: Any, keyword: str) -> float | None:
    value = item.get(keyword)
    return None if value in (None, "") else float(value)
