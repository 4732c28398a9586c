"""Names and ids: slugs for what users name, time-ordered ids for what medbench makes."""

import re
import secrets
from datetime import UTC, datetime

from medbench.base.errors import BadInputError

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_RESERVED = {"con", "prn", "aux", "nul"} | {f"{n}{i}" for n in ("com", "lpt") for i in range(10)}


def check_slug(name: str, what: str = "name") -> str:
    """Return ``name`` if it is a slug, else raise `BadInputError` saying what is allowed."""
    if not _SLUG.fullmatch(name) or name in _RESERVED:
        raise BadInputError(
            f"The {what} {name!r} cannot be used: take 1 to 63 lower-case letters, digits or "
            "hyphens, starting with a letter or digit."
        )
    return name


def slugify(text: str, fallback: str = "unnamed") -> str:
    """Turn any text into a slug."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")
    return slug if slug and slug not in _RESERVED else fallback


def new_id(prefix: str) -> str:
    """``prefix-YYYYmmdd-HHMMSS-xxxx``: sorts by time, unique without a server."""
    return f"{prefix}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def now_iso() -> str:
    """Current time, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
