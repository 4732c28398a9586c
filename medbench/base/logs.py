"""Logging to stderr and a rotating file, with patient data kept out.

Rule: log ids, counts, durations and hashes; never names, birth dates or full source paths.
`RedactingFilter` is the net under that rule, not the rule.
"""

import logging
import logging.handlers
import os
import re
from pathlib import Path

_PATTERNS = (
    (re.compile(r"[^\s/\\^]+\^[^\s/\\]+"), "<name>"),  # PN components: Family^Given
    (re.compile(r"(?:/[^\s/:'\"]+){2,}"), "<path>"),
    (re.compile(r"[A-Za-z]:\\[^\s'\"]+"), "<path>"),
)


def redact(text: str) -> str:
    """Replace what looks like a person name or a path."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class RedactingFilter(logging.Filter):
    """Render the message once, redacted, so that no handler sees the original."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = None
        return True


def start_logging(folder: Path | None = None, level: str | None = None) -> None:
    """Send warnings to stderr and everything from INFO to ``folder/medbench.log``."""
    root = logging.getLogger("medbench")
    root.setLevel(logging.DEBUG)
    root.propagate = False
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    console = logging.StreamHandler()
    console.setLevel(level or os.environ.get("MEDBENCH_LOG", "WARNING"))
    handlers: list[logging.Handler] = [console]
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            folder / "medbench.log", maxBytes=2_000_000, backupCount=3, encoding="utf-8"
        )
        file.setLevel(logging.INFO)
        handlers.append(file)
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        handler.addFilter(RedactingFilter())
        root.addHandler(handler)
