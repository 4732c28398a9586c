"""Hanging protocols as JSON: checked field by field, so that a damaged file says where it is wrong.

::

    {"format": "medbench.hanging", "version": 1, "rules": [
        {"id": "ct-chest", "name": "CT chest", "enabled": true,
         "match": {"modality": "CT", "body_part": "chest"},
         "stages": [{"rows": 1, "columns": 2, "synchronised": false, "cells": [
             {"series": {"modality": "CT", "words": ["lung"]}, "kind": "acquired",
              "preset": "ct-lung"}]}]}]}

Fields that are not named have their defaults; unknown fields are refused: a mistyped one would
silently ask for nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeGuard

from medbench.base.errors import BadInputError
from medbench.domain.hanging import (
    KINDS,
    LATERALITIES,
    MOST,
    ORDERS,
    PLANES,
    SLAB_MODES,
    HangingCell,
    HangingMatch,
    HangingRule,
    HangingStage,
    SeriesSelector,
)

FORMAT = "medbench.hanging"
VERSION = 1
MAX_RULES = 500
MAX_STAGES = 20
MAX_TEXT = 200


def rules_to_json(rules: Iterable[HangingRule]) -> dict[str, Any]:
    """The file's content; what has its default is left out."""
    return {"format": FORMAT, "version": VERSION, "rules": [_rule_json(rule) for rule in rules]}


def rules_from_json(value: Any) -> tuple[HangingRule, ...]:
    """Rules of a file's content.

    Raises
    ------
    BadInputError
        It is no such file, of a newer version, or something in it is wrong; says where.
    """
    if not isinstance(value, Mapping) or value.get("format") != FORMAT:
        raise BadInputError(f"This is no file of hanging protocols ('format' is not '{FORMAT}').")
    version = value.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise BadInputError("The file names no valid 'version'.")
    if version > VERSION:
        raise BadInputError(
            f"The file has version {version}, this medbench reads up to {VERSION}: update medbench."
        )
    stored = value.get("rules")
    if not _is_list(stored):
        raise BadInputError("'rules' must be a list.")
    if len(stored) > MAX_RULES:
        raise BadInputError(f"The file holds {len(stored)} rules; {MAX_RULES} are the most.")
    rules: list[HangingRule] = []
    for number, item in enumerate(stored, 1):
        rule = _rule(item, f"Rule {number}")
        if any(rule.rule_id == other.rule_id for other in rules):
            raise BadInputError(f"Rule {number}: the id '{rule.rule_id}' is there twice.")
        rules.append(rule)
    return tuple(rules)


# reading


def _rule(value: Any, where: str) -> HangingRule:
    found = _fields(value, where, ("id", "name", "enabled", "shipped", "match", "stages"))
    name = _text(found, "name", where, needed=True)
    where = f"{where} ({name})"
    stages = found.get("stages")
    if not _is_list(stages) or not 1 <= len(stages) <= MAX_STAGES:
        raise BadInputError(f"{where}: 'stages' must be a list of 1 to {MAX_STAGES} layouts.")
    return HangingRule(
        _text(found, "id", where, needed=True), name, _match(found.get("match", {}), where),
        tuple(_stage(s, f"{where}, stage {n}") for n, s in enumerate(stages, 1)),
        _flag(found, "enabled", where, default=True), _flag(found, "shipped", where, default=False),
    )  # fmt: skip


def _match(value: Any, where: str) -> HangingMatch:
    where = f"{where}, match"
    found = _fields(value, where, [f.name for f in fields(HangingMatch)])
    prior = found.get("prior")
    if prior is not None and not isinstance(prior, bool):
        raise BadInputError(f"{where}: 'prior' must be true, false or null.")
    least = _whole(found, "least_series", where, 0, 10_000, 0)
    most = _whole(found, "most_series", where, 0, 10_000, 0)
    if most and least > most:
        raise BadInputError(f"{where}: no study has at least {least} and at most {most} series.")
    return HangingMatch(
        _text(found, "modality", where), _text(found, "body_part", where),
        _words(found, "words", where), _words(found, "without", where), least, most, prior,
        _one_of(found, "laterality", where, LATERALITIES, ""),
    )  # fmt: skip


def _stage(value: Any, where: str) -> HangingStage:
    found = _fields(value, where, ("name", "rows", "columns", "cells", "synchronised"))
    rows = _whole(found, "rows", where, 1, MOST)
    columns = _whole(found, "columns", where, 1, MOST)
    cells = found.get("cells")
    if not _is_list(cells) or not 1 <= len(cells) <= rows * columns:
        raise BadInputError(
            f"{where}: 'cells' must be a list of 1 to {rows * columns} cells ({rows} × {columns})."
        )
    return HangingStage(
        rows, columns, tuple(_cell(c, f"{where}, cell {n}") for n, c in enumerate(cells, 1)),
        _text(found, "name", where), _flag(found, "synchronised", where, default=False),
    )  # fmt: skip


def _cell(value: Any, where: str) -> HangingCell:
    known = ("series", "kind", "preset", "window", "inverted", "slab_mm", "slab_mode", "alone")
    found = _fields(value, where, known)
    slab = _number(found.get("slab_mm", 0.0))
    if slab is None or not 0 <= slab <= 1000:
        raise BadInputError(f"{where}: 'slab_mm' must be a number from 0 to 1000.")
    return HangingCell(
        _selector(found.get("series", {}), where), _one_of(found, "kind", where, KINDS, KINDS[0]),
        _text(found, "preset", where), _window(found, where),
        _flag(found, "inverted", where, default=False), slab,
        _one_of(found, "slab_mode", where, SLAB_MODES, SLAB_MODES[0]),
        _flag(found, "alone", where, default=False),
    )  # fmt: skip


def _window(found: Mapping[str, Any], where: str) -> tuple[float, float] | None:
    value = found.get("window")
    if value is None:
        return None
    if _is_list(value) and len(value) == 2:
        center, width = (_number(v) for v in value)
        if center is not None and width is not None and width > 0:
            return center, width
    raise BadInputError(f"{where}: 'window' must be [centre, width] with a width above 0.")


def _selector(value: Any, where: str) -> SeriesSelector:
    where = f"{where}, series"
    found = _fields(value, where, [f.name for f in fields(SeriesSelector)])
    return SeriesSelector(
        _text(found, "modality", where), _words(found, "words", where),
        _words(found, "without", where), _one_of(found, "plane", where, PLANES, ""),
        _text(found, "view", where), _one_of(found, "laterality", where, LATERALITIES, ""),
        _whole(found, "images", where, 0, 100_000, 0),
        _one_of(found, "sort", where, ORDERS, ORDERS[0]),
        _whole(found, "order", where, 1, 1000, 1), _flag(found, "prior", where, default=False),
    )  # fmt: skip


def _fields(value: Any, where: str, known: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadInputError(f"{where}: an object {{...}} is expected here.")
    unknown = sorted(str(key) for key in value if key not in known)
    if unknown:
        raise BadInputError(f"{where}: unknown field '{unknown[0]}'; known are {', '.join(known)}.")
    return value


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _text(found: Mapping[str, Any], key: str, where: str, *, needed: bool = False) -> str:
    value = found.get(key, "")
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise BadInputError(f"{where}: '{key}' must be a text of at most {MAX_TEXT} characters.")
    if needed and not value.strip():
        raise BadInputError(f"{where}: '{key}' is missing.")
    return value.strip()


def _words(found: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = found.get(key, ())
    fine = _is_list(value) and len(value) <= 50
    if not fine or not all(isinstance(w, str) and 0 < len(w.strip()) <= MAX_TEXT for w in value):
        raise BadInputError(f"{where}: '{key}' must be a list of words.")
    return tuple(word.strip() for word in value)


def _flag(found: Mapping[str, Any], key: str, where: str, *, default: bool) -> bool:
    value = found.get(key, default)
    if not isinstance(value, bool):
        raise BadInputError(f"{where}: '{key}' must be true or false.")
    return value


def _whole(
    found: Mapping[str, Any], key: str, where: str, least: int, most: int,
    default: int | None = None,
) -> int:  # fmt: skip
    value = found.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadInputError(
            f"{where}: '{key}' must be a whole number from {least} to {most}, not {value!r}."
        )
    return value


def _one_of(
    found: Mapping[str, Any], key: str, where: str, allowed: Sequence[str], default: str
) -> str:
    value = found.get(key, default)
    if value not in allowed:
        names = ", ".join(name or "(empty)" for name in allowed)
        raise BadInputError(f"{where}: '{key}' must be one of {names}, not {value!r}.")
    return str(value)


# writing


def _rule_json(rule: HangingRule) -> dict[str, Any]:
    found: dict[str, Any] = {"id": rule.rule_id, "name": rule.name, "enabled": rule.enabled}
    if rule.shipped:
        found["shipped"] = True
    found["match"] = _changed(rule.match, HangingMatch())
    found["stages"] = [_stage_json(stage) for stage in rule.stages]
    return found


def _stage_json(stage: HangingStage) -> dict[str, Any]:
    found: dict[str, Any] = {"name": stage.name} if stage.name else {}
    found |= {"rows": stage.rows, "columns": stage.columns, "synchronised": stage.synchronised}
    found["cells"] = [
        {"series": _changed(cell.selector, SeriesSelector()),
         **_changed(cell, HangingCell(), leave=("selector",))}
        for cell in stage.cells
    ]  # fmt: skip
    return found


def _changed(record: Any, default: Any, leave: Sequence[str] = ()) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in fields(record):
        value = getattr(record, item.name)
        if item.name not in leave and value != getattr(default, item.name):
            found[item.name] = list(value) if isinstance(value, tuple) else value
    return found
