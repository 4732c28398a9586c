"""Build medbench's environment the first time, then start it; standard library only.

Steps: platform -> native libraries (Linux) -> ``.venv`` -> locked requirements -> start. Each
step says what it does on stderr, repairs what it can, and otherwise prints the one line to run.
The stamp is written last, so an interrupted installation repeats.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "packaging"
VENV = Path(os.environ.get("MEDBENCH_VENV", ROOT / ".venv"))
WHEELS = ROOT / "wheels"

# soname -> Debian package (desktop.md: found by iterating on a minimal system until it ran)
OFFSCREEN_LIBRARIES = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxkbcommon.so.0": "libxkbcommon0",
}
SCREEN_LIBRARIES = {
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
}
QT_FREE_VERBS = {
    "scan", "array", "render", "cohort", "train", "evaluate", "predict", "models", "--version",
    "--help", "-h",
}  # fmt: skip


def say(text):
    """Tell the user what happens, on stderr (stdout belongs to results)."""
    sys.stderr.write(f"medbench: {text}\n")
    sys.stderr.flush()


class SetupError(Exception):
    """Set-up cannot go on; the message is one sentence with the way out."""


def venv_python():
    """Interpreter of the environment."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def check_platform():
    """Refuse systems no wheel exists for, each in one sentence."""
    machine = platform.machine().lower()
    if sys.platform == "darwin" and machine == "x86_64":
        raise SetupError("PyTorch has no build for Intel Macs; use an Apple-silicon Mac.")
    if sys.platform == "win32" and "arm" in machine and sys.version_info < (3, 12):
        raise SetupError("PyTorch has no ARM build for this; install the x86_64 Python.")
    if sys.platform.startswith("linux"):
        name, version = platform.libc_ver()
        if name == "glibc" and version:
            have = tuple(int(part) for part in version.split(".")[:2])
            need = (2, 39) if machine in ("aarch64", "arm64") else (2, 34)
            if have < need:
                raise SetupError(
                    f"this system's C library is {version}, Qt needs {need[0]}.{need[1]}: "
                    "use Debian 12, Ubuntu 22.04, RHEL 9 or newer."
                )


def missing_libraries(wanted):
    """Packages whose libraries the dynamic linker cannot load."""
    missing = []
    for soname, package in wanted.items():
        try:
            ctypes.CDLL(soname)
        except OSError:
            missing.append(package)
    return missing


def _apt_names(packages):
    """Take the time_t names (libglib2.0-0t64) where the plain ones are gone (Ubuntu 24.04)."""
    names = []
    for package in packages:
        known = subprocess.run(["apt-cache", "show", package], capture_output=True, check=False)
        names.append(package if known.returncode == 0 else package + "t64")
    return names


def check_libraries(screen):
    """Find missing Qt libraries by loading them; as root with apt-get install them."""
    if not sys.platform.startswith("linux"):
        return
    wanted = dict(OFFSCREEN_LIBRARIES, **(SCREEN_LIBRARIES if screen else {}))
    missing = missing_libraries(wanted)
    if not missing:
        return
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        say(f"installing Qt's missing system libraries with apt-get: {' '.join(missing)}")
        env = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        subprocess.run([apt, "update", "-q"], env=env, stdout=sys.stderr, check=False)
        command = [apt, "install", "-y", "-q", "--no-install-recommends", *_apt_names(missing)]
        subprocess.run(command, env=env, stdout=sys.stderr, check=False)
        missing = missing_libraries(wanted)
    if missing:
        line = "sudo apt-get install -y --no-install-recommends " + " ".join(missing)
        raise SetupError(f"Qt needs system libraries that are missing here; run:  {line}")


def _run(command):
    """Run a set-up command with its output on stderr; True if it worked."""
    return subprocess.run(command, stdout=sys.stderr, check=False).returncode == 0


def _works(*command):
    """Whether a quiet command succeeds."""
    run = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return run.returncode == 0


def make_venv():
    """Create ``.venv``, with or without ensurepip, and return the pip command for it."""
    python = str(venv_python())
    current = "import sys; sys.exit(sys.version_info < (3, 11))"
    if not (venv_python().exists() and _works(python, "-c", current)):
        say(f"making the environment {VENV}")
        if not _works(sys.executable, "-m", "venv", "--clear", str(VENV)) and not _works(
            sys.executable, "-m", "venv", "--without-pip", "--clear", str(VENV)
        ):
            raise SetupError("no environment could be made; install the package python3-venv.")
    if _works(python, "-m", "pip", "--version"):
        return [python, "-m", "pip"]
    if _works(sys.executable, "-m", "pip", "--python", python, "--version"):
        return [sys.executable, "-m", "pip", "--python", python]
    for wheel in sorted(Path("/usr/share/python-wheels").glob("pip-*.whl")):
        if _works(python, str(wheel / "pip"), "--version"):
            return [python, str(wheel / "pip")]
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        say("installing python3-pip with apt-get")
        _run(["apt-get", "update", "-q"])
        _run(["apt-get", "install", "-y", "-q", "--no-install-recommends", "python3-pip"])
        if _works(sys.executable, "-m", "pip", "--python", python, "--version"):
            return [sys.executable, "-m", "pip", "--python", python]
    raise SetupError("this Python has no pip; install the package python3-pip, then start again.")


def _stamp(lock):
    """What an installed lock is remembered by."""
    text = lock.read_bytes() + sys.version.encode()
    return hashlib.sha256(text).hexdigest()


def install(locks):
    """Install each lock file whose stamp differs, in order; torch has its own and comes first."""
    todo = []
    for lock in locks:
        stamp = VENV / (f".{lock.stem}.stamp")
        if not stamp.exists() or stamp.read_text() != _stamp(lock):
            todo.append((lock, stamp))
    if not todo and venv_python().exists():
        return
    pip = make_venv()
    offline = ["--no-index", "--find-links", str(WHEELS)] if WHEELS.is_dir() else []
    for lock, stamp in todo:
        say(f"installing {lock.name} (the first time takes some minutes)")
        command = [*pip, "install", "--disable-pip-version-check", "--no-input", "-q", *offline]
        if not _run([*command, "-c", str(LOCKS / "requirements.txt"), "-r", str(lock)]):
            raise SetupError(
                f"installing {lock.name} failed (see above); check the network, or put the wheels "
                "into a folder 'wheels' beside main.py, and start again: it goes on from here."
            )
        stamp.write_text(_stamp(lock))


def start(arguments):
    """Replace this process by medbench (POSIX), or run it (Windows)."""
    command = [str(venv_python()), *arguments]
    paths = [str(ROOT), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    if os.name == "nt":
        return subprocess.call(command)
    sys.stdout.flush()
    os.execv(command[0], command)  # signals and exit codes pass through
    return 1


def main(arguments):
    """Set up what is missing, then hand over; returns the exit code."""
    verb = arguments[0] if arguments else ""
    testing = verb == "test"
    try:
        check_platform()
        locks = [LOCKS / "requirements-torch.txt", LOCKS / "requirements.txt"]
        if testing or (ROOT / ".git").exists():  # a checkout gets the checkers too
            locks.append(LOCKS / "requirements-test.txt")
        install(locks)
        if verb not in QT_FREE_VERBS:
            screen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
            check_libraries(screen and not testing)
    except SetupError as error:
        say(str(error))
        return 2
    if testing:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        os.chdir(str(ROOT))
        return start(["-m", "pytest", *arguments[1:]])
    return start(["-m", "medbench", *arguments])
