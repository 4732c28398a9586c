"""Where things are: bundled resources, the workspace, the cache, short run-time folders."""

import os
import sys
import tempfile
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def resource(*parts: str) -> Path:
    """Path of a bundled resource, from a checkout or an installed wheel."""
    for root in (_PACKAGE / "_resources", _PACKAGE.parent / "resources"):
        if root.is_dir():
            return root.joinpath(*parts)
    raise FileNotFoundError("medbench's resources folder is missing; reinstall medbench")


def _home(variable: str, windows: str, mac: str, linux: str) -> Path:
    if override := os.environ.get(variable):
        return Path(override)
    if sys.platform == "win32":
        return Path(os.environ.get(windows, str(Path.home() / "AppData/Local")))
    if sys.platform == "darwin":
        return Path.home() / "Library" / mac
    return Path.home() / linux


def config_folder() -> Path:
    """Folder of the settings file."""
    if override := os.environ.get("MEDBENCH_CONFIG"):
        return Path(override)
    return _home("XDG_CONFIG_HOME", "APPDATA", "Application Support", ".config") / "medbench"


def default_workspace() -> Path:
    """Workspace used when none is named: ``MEDBENCH_WORKSPACE`` or the user's data folder."""
    if override := os.environ.get("MEDBENCH_WORKSPACE"):
        return Path(override)
    data = _home("XDG_DATA_HOME", "LOCALAPPDATA", "Application Support", ".local/share")
    return data / "medbench" / "workspace"


def runtime_folder() -> Path:
    """A short private folder for sockets (AF_UNIX paths end near 107 bytes)."""
    return Path(tempfile.mkdtemp(prefix="mb-"))
