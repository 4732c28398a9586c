"""Progress on stderr: one line that is rewritten on a terminal, sparse lines elsewhere."""

import sys
import time

_QUIET_S = 2.0
_last = [0.0]


def progress(text: str, *, done: bool = False) -> None:
    """Show where a long command is; ``done`` ends the line."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K" + text + ("\n" if done else ""))
        sys.stderr.flush()
    elif done or time.monotonic() - _last[0] > _QUIET_S:
        _last[0] = time.monotonic()
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
