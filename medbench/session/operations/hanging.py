"""Hanging protocols on disk: the shipped ones, the workspace's own, files of others."""

import json
from pathlib import Path
from typing import Any

from medbench.base.atomic import atomic_write_json
from medbench.base.errors import BadInputError
from medbench.base.paths import resource
from medbench.domain.hanging import HangingRule
from medbench.domain.hanging_json import rules_from_json, rules_to_json

FILE_NAME = "hanging.json"
MAX_BYTES = 8 << 20


def read_rules(path: Path) -> tuple[HangingRule, ...]:
    """Rules of a file.

    Raises
    ------
    BadInputError
        It is missing, too large, no JSON, or something in it is wrong; names the file and place.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BadInputError(f"{path.name} has {size} bytes: no file of hanging protocols.")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise BadInputError(f"{path.name} does not exist.") from error
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path.name} is no text (UTF-8): byte {error.start}.") from error
    except OSError as error:
        raise BadInputError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    try:
        value: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInputError(
            f"{path.name} is no JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise BadInputError(f"{path.name} is no JSON: nested too deep.") from error
    try:
        return rules_from_json(value)
    except BadInputError as error:
        raise BadInputError(f"{path.name}: {error}") from error


def write_rules(path: Path, rules: tuple[HangingRule, ...]) -> None:
    """Write rules atomically."""
    atomic_write_json(Path(path), rules_to_json(rules))


def shipped_rules() -> tuple[HangingRule, ...]:
    """The examples that come with medbench."""
    return read_rules(resource("presets", FILE_NAME))


def workspace_rules(workspace: Path) -> tuple[HangingRule, ...]:
    """The workspace's own rules; the shipped ones until something was changed.

    Raises
    ------
    BadInputError
        The file is damaged.
    """
    path = Path(workspace) / FILE_NAME
    return read_rules(path) if path.exists() else shipped_rules()
