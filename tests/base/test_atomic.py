"""Old file or new file, never in between: each call fails once, at every position."""

import errno
import os

import pytest

from medbench.base import atomic


def _files(folder):
    return sorted(p.name for p in folder.iterdir())


def test_replaces_whole(tmp_path):
    target = tmp_path / "a.json"
    atomic.atomic_write_json(target, {"a": 1})
    atomic.atomic_write_json(target, {"a": 2})
    assert atomic.read_json(target) == {"a": 2}
    assert _files(tmp_path) == ["a.json"]


def test_short_writes_are_completed(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(atomic.os, "write", lambda fd, data: real(fd, bytes(data[:3])))
    atomic.atomic_write(tmp_path / "b", b"0123456789")
    assert (tmp_path / "b").read_bytes() == b"0123456789"


@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_F095_nth_failure_keeps_the_old_file(tmp_path, monkeypatch, call, error):
    """Fail the n-th call, n = 1, 2 ... until a pass without failure."""
    target = tmp_path / "c"
    real = getattr(os, call)
    for n in range(1, 20):
        target.write_bytes(b"old")
        count = 0

        def failing(*args, n=n):
            nonlocal count
            count += 1
            if count == n:
                raise OSError(error, os.strerror(error))
            return real(*args)

        with monkeypatch.context() as patch:
            patch.setattr(atomic.os, call, failing)
            try:
                atomic.atomic_write(target, [b"new", b"er"])
            except OSError:
                failed = True
            else:
                failed = False
        assert target.read_bytes() in (b"old", b"newer")
        assert _files(tmp_path) == ["c"]
        if not failed:
            assert target.read_bytes() == b"newer"
            return
    pytest.fail("no untouched pass within 20 calls")


def test_folder_appears_whole_or_not_at_all(tmp_path):
    def fill(folder):
        (folder / "x").write_text("1")
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        atomic.atomic_folder(tmp_path / "m", fill)
    assert _files(tmp_path) == []
    atomic.atomic_folder(tmp_path / "m", lambda folder: (folder / "x").write_text("1"))
    assert (tmp_path / "m" / "x").read_text() == "1"
    with pytest.raises(FileExistsError):
        atomic.atomic_folder(tmp_path / "m", lambda folder: None)


def test_nan_is_refused(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        atomic.atomic_write_json(tmp_path / "n", {"x": float("nan")})
    assert _files(tmp_path) == []
