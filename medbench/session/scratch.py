"""Unpacked archives of a running program: a private folder that goes when the program does."""

import os
import shutil
from pathlib import Path

import psutil


class Scratch:
    """``<root>/<process id>``, made on first use; folders of processes that died are removed."""

    def __init__(self, root: Path) -> None:
        self._root = Path(root)
        self._folder: Path | None = None

    def folder(self) -> Path:
        """The private folder; call it from a worker, it may have to tidy up first."""
        if self._folder is None:
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for old in self._root.iterdir():
                if not old.name.isdigit() or not psutil.pid_exists(int(old.name)):
                    shutil.rmtree(old, ignore_errors=True)
            folder = self._root / str(os.getpid())
            folder.mkdir(exist_ok=True, mode=0o700)
            self._folder = folder
        return self._folder

    def holds(self, path: Path) -> bool:
        """Whether a file lies in it."""
        return self._folder is not None and path.is_relative_to(self._folder)

    def close(self) -> None:
        """Remove the folder and what is in it."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
