"""Dataclasses <-> JSON values, for every record medbench stores or sends."""

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from medbench.base.errors import BadInputError

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """JSON value of a dataclass, enum, path, array or container; keys become text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(to_json(k)): to_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(v) for v in value]
    return value


def from_json(kind: type[T], value: Any) -> T:
    """Build the dataclass ``kind`` from a JSON value; unknown keys are ignored.

    Raises
    ------
    BadInputError
        A required field is missing or has the wrong form.
    """
    try:
        built: T = _build(kind, value)
    except (TypeError, ValueError, KeyError) as error:
        raise BadInputError(f"This is no valid {kind.__name__} record: {error}.") from error
    return built


def _build(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        return _build(next(a for a in get_args(hint) if a is not type(None)), value)
    if origin is tuple:
        args = get_args(hint)
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_build(args[0], v) for v in value)
        return tuple(_build(a, v) for a, v in zip(args, value, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        key, item = get_args(hint)
        return {_build(key, k): _build(item, v) for k, v in value.items()}
    if isinstance(hint, type) and is_dataclass(hint):
        hints = get_type_hints(hint)
        known = {f.name for f in fields(hint)}
        return hint(**{k: _build(hints[k], v) for k, v in value.items() if k in known})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is Path:
        return Path(value)
    if hint is float and isinstance(value, int):
        return float(value)
    return value
