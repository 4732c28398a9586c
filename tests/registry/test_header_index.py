import os
import shutil
import sqlite3

import pytest

from medbench.dicom import multiframe
from medbench.dicom import scan as scan_module
from medbench.dicom.frame_groups import frame_planes
from medbench.dicom.header_bytes import pack, slim, unpack
from medbench.dicom.scan import read_header, scan
from medbench.registry.header_index import FILE_NAME, HeaderIndex
from medbench.samples.series import write_uniform_series


@pytest.fixture
def series(tmp_path):
    folder = tmp_path / "series"
    write_uniform_series(folder, (6, 8, 9))
    (folder / "note.txt").write_text("no picture")
    return folder


@pytest.fixture
def index(tmp_path):
    with HeaderIndex(tmp_path / "workspace", "1") as found:
        yield found


@pytest.fixture
def opens(monkeypatch):
    """Names of the files whose headers were read from the disk."""
    names = []

    def counted(path):
        names.append(path.name)
        return read_header(path)

    def parsed(path, frames):
        names.append(path.name)
        return frame_planes(path, frames)

    monkeypatch.setattr(scan_module, "read_header", counted)
    monkeypatch.setattr(multiframe, "frame_planes", parsed)
    return names


def test_a_known_folder_is_not_read_again(series, index, opens):
    first = scan([series], cache=index)
    assert len(opens) == 7
    opens.clear()
    assert scan([series], cache=index) == first
    assert opens == []


def test_exactly_the_touched_file_is_read_again(series, index, opens):
    scan([series], cache=index)
    opens.clear()
    touched = sorted(series.glob("*.dcm"))[2]
    stat = touched.stat()
    os.utime(touched, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))
    scan([series], cache=index)
    assert opens == [touched.name]


def test_a_file_of_other_size_with_the_old_time_is_read_again(series, index, opens):
    scan([series], cache=index)
    opens.clear()
    note = series / "note.txt"
    stat = note.stat()
    note.write_text("still no picture")
    os.utime(note, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    scan([series], cache=index)
    assert opens == ["note.txt"]


def test_a_new_file_and_a_gone_one(series, index, opens):
    scan([series], cache=index)
    opens.clear()
    files = sorted(series.glob("*.dcm"))
    files[0].unlink()
    (series / "more.txt").write_text("x")
    found = scan([series], cache=index)
    assert opens == ["more.txt"]
    assert found.files == 7
    assert len(found.studies[0].series[0].instances) == 5


def test_a_relative_path_finds_what_the_absolute_one_stored(series, index, opens, monkeypatch):
    scan([series], cache=index)
    opens.clear()
    monkeypatch.chdir(series.parent)
    from pathlib import Path

    scan([Path("series")], cache=index)
    assert opens == []


@pytest.mark.parametrize("damage", ["cut", "noise", "gone", "text", "table"])
def test_a_damaged_index_is_made_anew(series, tmp_path, opens, damage):
    workspace = tmp_path / "workspace"
    with HeaderIndex(workspace, "1") as index:
        first = scan([series], cache=index)
    file = workspace / FILE_NAME
    data = file.read_bytes()
    if damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "noise":
        file.write_bytes(data[:100] + bytes(len(data) - 100))
    elif damage == "text":
        file.write_text("this is no database")
    elif damage == "table":
        with sqlite3.connect(file) as database:
            database.execute("UPDATE header SET data = x'48FFFFFF'")
        database.close()
    else:
        file.unlink()
    opens.clear()
    with HeaderIndex(workspace, "1") as index:
        assert scan([series], cache=index) == first
        assert len(opens) == 7
        opens.clear()
        assert scan([series], cache=index) == first
        assert opens == []


def test_an_index_of_another_version_is_dropped(series, tmp_path, opens):
    for version in ("1", "2"):
        opens.clear()
        with HeaderIndex(tmp_path / "workspace", version) as index:
            scan([series], cache=index)
        assert len(opens) == 7


def test_a_locked_index_is_left_alone_and_the_scan_goes_on(series, tmp_path, opens):
    workspace = tmp_path / "workspace"
    with HeaderIndex(workspace, "1") as index:
        first = scan([series], cache=index)
    other = sqlite3.connect(workspace / FILE_NAME)
    other.execute("BEGIN IMMEDIATE")
    with HeaderIndex(workspace, "1") as index:
        index._opened().execute("PRAGMA busy_timeout = 10")
        shutil.copy(series / "note.txt", series / "more.txt")
        found = scan([series], cache=index)
    other.rollback()
    other.close()
    assert found.studies == first.studies
    assert found.files == 8
    with HeaderIndex(workspace, "1") as index:
        assert len(index.get_many(series)) == 7, "what another process had stored is still there"


def test_the_index_is_readable_by_its_owner_only(series, index, tmp_path):
    scan([series], cache=index)
    if os.name == "posix":
        assert (tmp_path / "workspace" / FILE_NAME).stat().st_mode & 0o077 == 0


def test_packed_headers_come_back_equal(series):
    for path in series.glob("*.dcm"):
        header = slim(read_header(path), {})
        assert unpack(path, pack(header), {}) == header
        for cut in range(0, len(pack(header)), 7):
            assert unpack(path, pack(header)[:cut], {}) in (None, "")


def test_real_folders_scan_the_same_from_the_index(real_data, index, opens):
    folders = [real_data / "dicom_series", real_data / "dicom_conformance"]
    first = scan(folders, cache=index)
    opens.clear()
    assert scan(folders, cache=index) == first
    assert opens == []
    assert scan(folders) == first
