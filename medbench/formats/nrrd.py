"""NRRD headers (teem.sourceforge.net/nrrd/format.html): attached and detached data, one file each.

A detached data file is read only from the header's own folder. Space directions become LPS; a
space that is not the patient's gives no orientation.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medbench.base.errors import BadInputError
from medbench.formats.voxel_file import (
    VoxelFile,
    check_complete,
    check_matrix,
    inside_folder,
    lps_fields,
)

MAX_HEADER_BYTES = 1 << 20
_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(
        ("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"
    ),
    **dict.fromkeys(
        ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"
    ),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(
        ("longlong", "long long", "long long int", "signed long long", "signed long long int",
         "int64", "int64_t"), "i8",
    ),
    **dict.fromkeys(
        ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"
    ),
    "float": "f4",
    "double": "f8",
}  # fmt: skip
_ENCODINGS = {"raw": "raw", "gzip": "gzip", "gz": "gzip", "bzip2": "bzip2", "bz2": "bzip2"}
_SPACES = {
    "right-anterior-superior": (-1.0, -1.0, 1.0),
    "left-anterior-superior": (1.0, -1.0, 1.0),
    "left-posterior-superior": (1.0, 1.0, 1.0),
}
_SHORT_SPACES = {
    "ras": "right-anterior-superior",
    "las": "left-anterior-superior",
    "lps": "left-posterior-superior",
    "rast": "right-anterior-superior-time",
    "last": "left-anterior-superior-time",
    "lpst": "left-posterior-superior-time",
}
_UNITS_MM = {"mm": 1.0, "millimeter": 1.0, "millimeters": 1.0, "cm": 10.0, "m": 1000.0, "um": 1e-3}
_COLOUR_KINDS = frozenset({"rgb-color", "rgba-color", "3-color", "4-color"})
_VECTOR_KINDS = frozenset({"vector", "3-vector", "covariant-vector", "3-gradient", "3-normal"})
_SPATIAL_KINDS = frozenset({"domain", "space"})
Vector = tuple[float, ...]


def is_nrrd(path: Path) -> bool:
    """By name: ``.nrrd``, or ``.nhdr`` with its data beside it."""
    return path.name.lower().endswith((".nrrd", ".nhdr"))


def read_nrrd(path: Path) -> VoxelFile:
    """Read and check a header.

    Raises
    ------
    BadInputError, IncompleteError
        What the header says is impossible, not shown here, or not there.
    """
    name = path.name
    fields, header_bytes = _fields(path)
    dimension = _whole(fields, "dimension", name)
    sizes = _wholes(fields, "sizes", dimension, name)
    if min(sizes) < 1:
        raise BadInputError(f"{name}: an axis has {min(sizes)} samples")
    code = _TYPES.get(fields.get("type", "").lower())
    if code is None:
        raise BadInputError(f"{name}: samples of type {fields.get('type', '(none)')} are not shown")
    encoding = _ENCODINGS.get(fields.get("encoding", "").lower())
    if encoding is None:
        words = fields.get("encoding", "(none)")
        raise BadInputError(f"{name}: the encoding {words} is not read; raw, gzip and bzip2 are")
    dtype = np.dtype(_byte_order(fields, code, name) + code)
    vectors = _vectors(fields, dimension, name)
    axes = _axes(fields, sizes, vectors, dtype, name)
    data_path, start = _data(path, fields, header_bytes)
    skip = _skips(fields, encoding, name)
    placed, warnings = _placed(fields, axes, sizes, vectors, name)
    kept = [i for i, letter in enumerate(axes) if letter]
    file = VoxelFile(
        path=path,
        data_path=data_path,
        source="nrrd",
        encoding=encoding,
        start_bytes=start,
        skip_bytes=skip,
        dtype=dtype,
        axes="".join(axes[i] for i in kept),
        sizes=tuple(sizes[i] for i in kept),
        description=fields.get("content", ""),
        warnings=warnings,
        **placed,
    )
    if skip == -1:
        file = _from_the_end(file)
    check_complete(file)
    return file


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """Fields by lower-case name, and where the data of an attached header begin."""
    with path.open("rb") as handle:
        data = handle.read(MAX_HEADER_BYTES)
    if data[:4] != b"NRRD" or not data[4:8].isdigit():
        raise BadInputError(f"{path.name} is no NRRD file")
    fields: dict[str, str] = {}
    position = 0
    while True:
        end = data.find(b"\n", position)
        if end < 0:
            if len(data) == MAX_HEADER_BYTES:
                raise BadInputError(f"{path.name}: the header does not end within 1 MiB")
            end = len(data)
        line = data[position:end].rstrip(b"\r").decode("utf-8", "replace")
        position = min(end + 1, len(data))
        if not line.strip() and position > 8:
            break
        if position >= len(data) and not line:
            break
        key, found, value = line.partition(":")
        if found and not line.startswith("#") and not value.startswith("="):
            fields.setdefault(_field_name(key), value.strip())
        if position >= len(data):
            break
    return fields, position


def _field_name(key: str) -> str:
    """``space directions`` and ``spacedirections`` are one field."""
    plain = key.strip().lower()
    return {
        "datafile": "data file", "byteskip": "byte skip", "lineskip": "line skip",
        "space origin": "space origin", "axis mins": "axismins",
    }.get(plain, plain)  # fmt: skip


def _whole(fields: Mapping[str, str], key: str, name: str) -> int:
    try:
        value = int(fields[key])
    except (KeyError, ValueError):
        raise BadInputError(f"{name}: the field {key} is missing or no number") from None
    if not 1 <= value <= 16:
        raise BadInputError(f"{name}: {value} dimensions, 1 to 16 belong")
    return value


def _wholes(fields: Mapping[str, str], key: str, count: int, name: str) -> list[int]:
    try:
        found = [int(part) for part in fields[key].split()]
    except (KeyError, ValueError):
        raise BadInputError(f"{name}: the field {key} is missing or holds no numbers") from None
    if len(found) != count:
        raise BadInputError(f"{name}: {len(found)} {key} for {count} dimensions")
    return found


def _byte_order(fields: Mapping[str, str], code: str, name: str) -> str:
    if code.endswith("1"):
        return "|"
    order = {"little": "<", "big": ">"}.get(fields.get("endian", "").lower())
    if order is None:
        raise BadInputError(f"{name}: the byte order of its samples (endian) is not given")
    return order


def _vectors(fields: Mapping[str, str], dimension: int, name: str) -> list[Vector | None] | None:
    """Space direction of each axis; None of one that is not in space, None where no field is."""
    text = fields.get("space directions")
    if text is None:
        return None
    found: list[Vector | None] = []
    rest = text.strip()
    while rest:
        if rest.lower().startswith("none"):
            found.append(None)
            rest = rest[4:].lstrip()
            continue
        inner, closed, rest = rest.removeprefix("(").partition(")")
        if not closed:
            raise BadInputError(f"{name}: the space directions are damaged")
        found.append(_vector(inner, name))
        rest = rest.lstrip()
    if len(found) != dimension:
        raise BadInputError(f"{name}: {len(found)} space directions for {dimension} dimensions")
    return [None if v is not None and np.isnan(v).all() else v for v in found]


def _vector(text: str, name: str) -> Vector:
    try:
        return tuple(float(part) for part in text.strip("() ").split(","))
    except ValueError:
        raise BadInputError(f"{name}: ({text[:60]}) is no vector") from None


def _axes(
    fields: Mapping[str, str], sizes: list[int], vectors: list[Vector | None] | None,
    dtype: np.dtype, name: str,
) -> list[str]:  # fmt: skip
    """Letter of each axis (fastest first): x y z in space, t others, c colours, '' for length 1."""
    kinds = [part.strip('"').lower() for part in fields.get("kinds", "").split()]
    if vectors is not None:
        # in a space with time the fourth number tells the axis of time
        spatial = [v is not None and (any(v[:3]) or not any(v[3:])) for v in vectors]
    elif len(kinds) == len(sizes) and any(kind in _SPATIAL_KINDS for kind in kinds):
        spatial = [kind in _SPATIAL_KINDS for kind in kinds]
    else:
        spatial = [i < 3 for i in range(len(sizes))]
    if not 1 <= sum(spatial) <= 3:
        raise BadInputError(f"{name}: {sum(spatial)} axes lie in space, 1 to 3 can be shown")
    letters = iter("xyz")
    axes = []
    for i, in_space in enumerate(spatial):
        kind = kinds[i] if len(kinds) == len(sizes) else ""
        if in_space:
            axes.append(next(letters))
        elif sizes[i] == 1:
            axes.append("")
        elif kind in _COLOUR_KINDS and sizes[i] in (3, 4) and dtype == np.uint8:
            axes.append("c")
        elif kind in _VECTOR_KINDS or kind in _COLOUR_KINDS or "matrix" in kind:
            raise BadInputError(f"{name}: several numbers a sample ({kind}) are not shown")
        else:
            axes.append("t")
    for letter in "tc":
        if axes.count(letter) > 1:
            raise BadInputError(f"{name}: more than one axis outside space cannot be shown")
    return axes


def _data(path: Path, fields: Mapping[str, str], header_bytes: int) -> tuple[Path, int]:
    target = fields.get("data file")
    if target is None:
        if path.name.lower().endswith(".nhdr"):
            raise BadInputError(f"{path.name} does not name its data file")
        return path, header_bytes
    if target.upper().startswith("LIST") or "%" in target:
        raise BadInputError(f"{path.name}: data in several files are not read")
    return inside_folder(path, target), 0


def _skips(fields: Mapping[str, str], encoding: str, name: str) -> int:
    """Bytes of the decoded stream before the samples; -1 = they end with the file."""
    try:
        lines, count = int(fields.get("line skip", 0)), int(fields.get("byte skip", 0))
    except ValueError:
        raise BadInputError(f"{name}: line skip or byte skip is no number") from None
    if lines:
        raise BadInputError(f"{name}: lines before the data (line skip) are not read")
    if count < -1 or (count == -1 and encoding != "raw"):
        raise BadInputError(f"{name}: byte skip {count} is not possible")
    return count


def _from_the_end(file: VoxelFile) -> VoxelFile:
    from dataclasses import replace

    begin = file.data_path.stat().st_size - file.voxel_bytes
    if begin < file.start_bytes:
        raise BadInputError(f"{file.data_path.name} is shorter than its samples")
    return replace(file, start_bytes=begin, skip_bytes=0)


def _placed(
    fields: Mapping[str, str], axes: list[str], sizes: list[int],
    vectors: list[Vector | None] | None, name: str,
) -> tuple[dict[str, Any], tuple[str, ...]]:  # fmt: skip
    """Geometry fields of the `VoxelFile`, and warnings."""
    order = {letter: i for i, letter in enumerate(axes) if letter in ("x", "y", "z")}
    slices = sizes[order["z"]] if "z" in order else 1
    space = fields.get("space", "").lower()
    space = _SHORT_SPACES.get(space, space).removesuffix("-time")
    scale, warnings = _scale(fields, name)
    if vectors is None or space not in _SPACES:
        spacing = _plain_spacing(fields, order, vectors, name)
        words = "the file does not say how it lies in the patient (no anatomical space)"
        known = spacing is not None
        return {
            "spacing_mm": tuple(v * scale for v in spacing) if spacing else None,
            "silent": words,
        }, warnings if known else ()
    columns = [np.asarray(vectors[order[letter]] or ())[:3] for letter in "xyz" if letter in order]
    if any(len(column) != 3 for column in columns):
        raise BadInputError(f"{name}: a space direction has not three numbers")
    if len(columns) < 2:
        return {"silent": "a line has no plane"}, ()
    if len(columns) == 2:
        columns.append(np.cross(columns[0], columns[1]))
    origin = fields.get("space origin")
    if origin is None:
        warnings = (*warnings, "the file does not say where its first sample lies: 0, 0, 0 taken")
    point = np.asarray(_vector(origin, name) if origin else (0.0, 0.0, 0.0))[:3]
    if len(point) != 3:
        raise BadInputError(f"{name}: the space origin has not three numbers")
    matrix = check_matrix(np.column_stack([*columns, point]), name, "space directions")
    lps = np.asarray(_SPACES[space])[:, None] * matrix * scale
    return lps_fields(lps, slices), warnings


def _scale(fields: Mapping[str, str], name: str) -> tuple[float, tuple[str, ...]]:
    """Millimetres of one unit; NRRD files without units are in mm by custom, and are told so."""
    text = fields.get("space units") or fields.get("units") or ""
    units = [part for part in text.replace('"', " ").split() if part != "s"]
    if not units:
        return 1.0, ()
    scale = _UNITS_MM.get(units[0].lower())
    if scale is None or len(set(units[:3])) > 1:
        raise BadInputError(f"{name}: the unit of length {' '.join(units[:3])} is not known")
    return scale, ()


def _plain_spacing(
    fields: Mapping[str, str], order: Mapping[str, int], vectors: list[Vector | None] | None,
    name: str,
) -> tuple[float, float] | None:  # fmt: skip
    """(between rows, between columns) where there is no patient space."""
    if "x" not in order or "y" not in order:
        return None
    if vectors is not None:
        lengths = [float(np.linalg.norm(vectors[order[a]] or (0.0,))) for a in "yx"]
    elif "spacings" in fields:
        try:
            numbers = [float(part) for part in fields["spacings"].split()]
            lengths = [abs(numbers[order[a]]) for a in "yx"]
        except (ValueError, IndexError):
            raise BadInputError(f"{name}: the spacings are no numbers") from None
    else:
        return None
    good = all(np.isfinite(lengths)) and min(lengths) > 1e-6
    return (lengths[0], lengths[1]) if good else None
