"""Whether there is a display to open a window on; bare Qt would abort the process without one."""

import os
import sys


def has_display() -> bool:
    """True where a window can be shown, or Qt was told which platform to use."""
    if os.environ.get("QT_QPA_PLATFORM"):
        return True
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
