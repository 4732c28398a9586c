"""What every file of the repository must hold."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "medbench").rglob("*.py"))


def test_strings_can_be_translated():
    """An f-string inside tr is extracted as it stands and never matched at run time."""
    wrong = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"\.tr\(\s*f[\"']", path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


def test_every_icon_that_is_named_is_there():
    named = set()
    for path in (ROOT / "medbench" / "ui").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        named |= set(
            re.findall(r"(?:icon_label|icon|set_icon|IconButton)\(\s*\"([a-z0-9-]+)\"", text)
        )
        named |= set(re.findall(r"Button\.of\([^)]*\)[^)]*\"[a-z]+\",\s*\"([a-z0-9-]+)\"", text))
    missing = [n for n in sorted(named) if not (ROOT / "resources" / "icons" / f"{n}.svg").exists()]
    assert missing == []
    assert len(named) > 20


def test_the_repository_stays_small():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if tracked.returncode:
        pytest.skip("this is no git checkout")
    files = [ROOT / name for name in tracked.stdout.decode().split("\0") if name]
    assert sum(f.stat().st_size for f in files if f.exists()) < 10 * 2**20
