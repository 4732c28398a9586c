"""Numbers of measurements as coded concepts and UCUM units (PS3.16 CID 7469, 7470, 82), both ways.

SNOMED CT codes of PS3.16; the retired SRT spellings that older programs still write are read too.
"""

import re

Code = tuple[str, str, str]

_CONCEPTS: dict[str, Code] = {
    "length": ("410668003", "SCT", "Length"),
    "long axis": ("103339001", "SCT", "Long axis"),
    "short axis": ("103340004", "SCT", "Short axis"),
    "angle": ("1483009", "SCT", "Angle"),
    "Cobb angle": ("285285000", "SCT", "Cobb angle"),
    "area": ("42798000", "SCT", "Area"),
    "perimeter": ("131191004", "SCT", "Perimeter"),
    "volume": ("118565006", "SCT", "Volume"),
    "radius": ("131190003", "SCT", "Radius"),
}
_DERIVED: dict[str, Code] = {
    "mean": ("373098007", "SCT", "Mean"),
    "sd": ("386136009", "SCT", "Standard Deviation"),
    "min": ("255605001", "SCT", "Minimum"),
    "max": ("56851009", "SCT", "Maximum"),
    "median": ("373099004", "SCT", "Median"),
}
_VALUES: dict[str, Code] = {
    "[hnsf'U]": ("112031", "DCM", "Attenuation Coefficient"),
}
"""What numbers of a unit are numbers of."""
_UPTAKE: Code = ("126401", "DCM", "SUVbw")
_UPTAKE_NAME = "SUV"
"""Beside the statistics of the stored values stand those of the uptake: 'SUV mean'."""
_ALSO = {
    ("G-D7FE", "SRT"): "length", ("G-A185", "SRT"): "long axis", ("G-A186", "SRT"): "short axis",
    ("G-A166", "SRT"): "area", ("G-A197", "SRT"): "perimeter", ("G-D705", "SRT"): "volume",
    ("R-00317", "SRT"): "mean", ("R-10047", "SRT"): "sd", ("R-404FB", "SRT"): "min",
    ("G-A437", "SRT"): "max", ("R-00319", "SRT"): "median", ("113049", "DCM"): "mean",
    ("113051", "DCM"): "min", ("113048", "DCM"): "max", ("131184002", "SCT"): "area",
    ("112031", "DCM"): "value", ("110852", "DCM"): "value",
    ("125201", "DCM"): "value", ("121207", "DCM"): "length", ("1483009", "SCT"): "angle",
    ("F-00E5C", "SRT"): "Cobb angle",
}  # fmt: skip
_UNITS: dict[str, Code] = {
    "mm": ("mm", "UCUM", "mm"),
    "mm2": ("mm2", "UCUM", "mm2"),
    "mm3": ("mm3", "UCUM", "mm3"),
    "cm": ("cm", "UCUM", "cm"),
    "cm2": ("cm2", "UCUM", "cm2"),
    "ml": ("ml", "UCUM", "ml"),
    "deg": ("deg", "UCUM", "degrees of plane angle"),
    "°": ("deg", "UCUM", "degrees of plane angle"),
    "HU": ("[hnsf'U]", "UCUM", "Hounsfield unit"),
    "px": ("{pixels}", "UCUM", "pixels"),
    "px2": ("{square_pixels}", "UCUM", "square pixels"),
    "%": ("%", "UCUM", "percent"),
    "": ("1", "UCUM", "no units"),
    "g/ml": ("g/ml{SUVbw}", "UCUM", "Standardized Uptake Value body weight"),
    "SUV": ("g/ml{SUVbw}", "UCUM", "Standardized Uptake Value body weight"),
}
_WORDS = {
    "[hnsf'U]": "HU", "{SUVbw}g/ml": "g/ml", "g/ml{SUVbw}": "g/ml", "1": "", "{pixels}": "px",
    "{pixel}": "px", "{square_pixels}": "px2", "deg": "deg",
}  # fmt: skip
_OWN_SCHEME = "99MEDBENCH"


def unit_code(unit: str) -> Code:
    """UCUM code of a unit; an unknown one becomes an annotation in braces (UCUM 6)."""
    if unit in _UNITS:
        return _UNITS[unit]
    plain = re.sub(r"[^A-Za-z0-9/_.*%^+-]", "_", unit)[:14]
    return f"{{{plain}}}", "UCUM", unit


def unit_words(value: str, scheme: str, meaning: str) -> str:
    """How medbench writes a unit that a file names."""
    if value in _WORDS:
        return _WORDS[value]
    if scheme == "UCUM" and value.startswith("{"):
        return meaning or value[1:-1]
    return value or meaning


def implied_unit(concept: Code) -> str:
    """Unit that a concept implies where a report holds no value to carry one; else ''."""
    found = (
        unit_words(unit, "UCUM", "") for unit, code in _VALUES.items() if code[:2] == concept[:2]
    )
    return next(found, "")


def quantity_code(name: str, unit: str) -> tuple[Code, Code | None]:
    """(concept, derivation) of a number: statistics of values are derived from their concept."""
    if name in _CONCEPTS:
        return _CONCEPTS[name], None
    base, _, statistic = name.partition(" ")
    if base == _UPTAKE_NAME and (not statistic or statistic in _DERIVED):
        return _UPTAKE, _DERIVED.get(statistic)
    measured = _VALUES.get(unit_code(unit)[0])
    if name in _DERIVED:
        return (_DERIVED[name], None) if measured is None else (measured, _DERIVED[name])
    if name == "value" and measured is not None:
        return measured, None
    value = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")[:16] or "NUMBER"
    return (value, _OWN_SCHEME, name), None


_NAMES = {
    **{code[:2]: name for name, code in (_CONCEPTS | _DERIVED).items()},
    **_ALSO,
}


def quantity_name(concept: Code, derivation: Code | None) -> str:
    """Name of a number that a file holds; an unknown concept keeps its meaning, in lower case."""
    uptake = f"{_UPTAKE_NAME} " if concept[:2] == _UPTAKE[:2] else ""
    if derivation is not None:
        known = _NAMES.get(derivation[:2])
        return uptake + (known if known is not None else derivation[2].lower())
    if uptake:
        return _UPTAKE_NAME
    if concept[1] == _OWN_SCHEME:
        return concept[2]
    known = _NAMES.get(concept[:2])
    return known if known is not None else concept[2].lower()
