"""Shared fixtures: a private home, real data, and no thread, process or timer left behind."""

import gc
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent
GRACE_S = 5.0


@pytest.fixture(scope="session", autouse=True)
def _private_home(tmp_path_factory):
    """Settings and workspaces of the tests never touch the user's."""
    home = tmp_path_factory.mktemp("home")
    saved = dict(os.environ)
    os.environ["MEDBENCH_CONFIG"] = str(home / "config")
    os.environ["MEDBENCH_WORKSPACE"] = str(home / "workspace")
    yield
    os.environ.clear()
    os.environ.update(saved)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real development data; skips where it is absent."""
    script = ROOT.parent / "shared" / "data" / "unpack.py"
    if not script.exists():
        reason = "the real development data are not beside this checkout"
        if os.environ.get("MEDBENCH_REQUIRE_REAL_DATA") == "1":
            pytest.fail(reason + ", and MEDBENCH_REQUIRE_REAL_DATA=1 demands them")
        pytest.skip(reason)
    home = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    run = subprocess.run(
        [sys.executable, str(script), str(Path(home) / "medbench-data")],
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(run.stdout.strip())


def _threads() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if t.is_alive() and not t.daemon}


def _children() -> set[psutil.Process]:
    return {
        p for p in psutil.Process().children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE
    }


def _live_qthreads() -> list[object]:
    if "PySide6.QtCore" not in sys.modules:
        return []
    from PySide6.QtCore import QThread
    from shiboken6 import isValid

    return [
        o for o in gc.get_objects() if issubclass(type(o), QThread) and isValid(o) and o.isRunning()
    ]


def _live_timers() -> list[object]:
    if "PySide6.QtCore" not in sys.modules:
        return []
    from PySide6.QtCore import QTimer
    from shiboken6 import isValid

    return [
        o for o in gc.get_objects() if issubclass(type(o), QTimer) and isValid(o) and o.isActive()
    ]


@pytest.fixture(autouse=True)
def _nothing_left_behind(request):
    """Fail a test that leaves a thread, a process, a running QThread or an active timer."""
    if request.node.get_closest_marker("keeps_process"):
        yield
        return
    threads, children = _threads(), _children()
    # looking through every object costs 0.2 s: only where a window or a worker can have been made
    qt = bool({"qapp", "qtbot", "app"} & set(request.fixturenames))
    timers = {id(t) for t in _live_timers()} if qt else set()
    yield
    deadline = time.monotonic() + GRACE_S
    left: list[str] = []
    while True:
        left = [f"thread {t.name}" for t in _threads() - threads]
        left += [f"process {p.pid}" for p in _children() - children]
        if qt:
            left += [f"QThread {t!r}" for t in _live_qthreads()]
            left += [f"QTimer {t!r}" for t in _live_timers() if id(t) not in timers]
        if not left:
            return
        if time.monotonic() > deadline:
            break
        if "PySide6.QtWidgets" in sys.modules:
            from PySide6.QtCore import QCoreApplication, QEvent

            if app := QCoreApplication.instance():
                app.processEvents()
                app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        gc.collect()
        time.sleep(0.02)
    pytest.fail("left behind: " + ", ".join(left))
