import stat
import struct
import zipfile

import pytest
from zip_cipher import encrypted

from medbench.base.errors import BadInputError, CancelledError, PasswordNeededError
from medbench.formats import archive
from medbench.formats.archive import is_archive, unpack
from medbench.formats.finding import Context, find
from medbench.samples.series import write_uniform_series


def packed(path, members, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as out:
        for name, data in members:
            out.writestr(name, data)
    return path


def names(found):
    return sorted(m.name for m in found.members)


def reasons(found):
    return {s.path.name: s.reason for s in found.refused}


def test_members_are_named_by_their_hash(tmp_path):
    file = packed(tmp_path / "a.zip", [("folder/one.dcm", b"1"), ("two", b"2"), ("empty/", b"")])
    told = []
    found = unpack(file, tmp_path / "scratch", on_member=told.append)
    assert told == [1, 2]
    assert names(found) == ["folder/one.dcm", "two"]
    assert found.refused == []
    for member in found.members:
        stem = member.path.name.partition(".")[0]
        assert len(stem) == 64
        assert int(stem, 16) >= 0
    folder = found.members[0].path.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {p.parent for p in (m.path for m in found.members)} == {folder}


@pytest.mark.parametrize(
    "name",
    ["../../x.dcm", "/abs/x.dcm", "..\\..\\x.dcm", "C:\\x.dcm", "x:stream", "a/../../x.dcm"],
)
def test_F050_names_that_lead_out_are_refused(tmp_path, name):
    file = packed(tmp_path / "a.zip", [(name, b"out"), ("good.dcm", b"in")])
    before = sorted(p for p in tmp_path.rglob("*"))
    found = unpack(file, tmp_path / "scratch")
    assert names(found) == ["good.dcm"]
    assert [s.reason for s in found.refused] == ["its name leads out of the archive"]
    outside = sorted(p for p in tmp_path.rglob("*") if not p.is_relative_to(tmp_path / "scratch"))
    assert outside == before


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_F051_links_and_devices_are_refused(tmp_path, kind):
    info = zipfile.ZipInfo("link")
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    file = packed(tmp_path / "a.zip", [(info, b"/etc/passwd"), ("good.dcm", b"in")])
    found = unpack(file, tmp_path / "scratch")
    assert names(found) == ["good.dcm"]
    assert "link" in found.refused[0].reason or "regular" in found.refused[0].reason


def test_F052_a_member_that_expands_too_far_is_refused(tmp_path):
    file = packed(tmp_path / "a.zip", [("bomb", bytes(32 << 20)), ("good.dcm", b"in")])
    found = unpack(file, tmp_path / "scratch")
    assert names(found) == ["good.dcm"]
    assert "200 times" in found.refused[0].reason


def test_a_well_packed_small_member_is_no_bomb(tmp_path):
    file = packed(tmp_path / "a.zip", [("mask", bytes(4 << 20))])
    assert names(unpack(file, tmp_path / "scratch")) == ["mask"]


def test_F052_the_whole_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 1000)
    file = packed(tmp_path / "a.zip", [("a", b"x" * 600), ("b", b"y" * 600)])
    with pytest.raises(BadInputError, match="would unpack"):
        unpack(file, tmp_path / "scratch")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_F052_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 5)
    file = packed(tmp_path / "a.zip", [(f"{i}", b"") for i in range(6)])
    with pytest.raises(BadInputError, match="6 members"):
        unpack(file, tmp_path / "scratch")


def test_F052_members_that_share_bytes_are_a_bomb(tmp_path):
    file = packed(tmp_path / "a.zip", [("a", b"x" * 100), ("b", b"y" * 100)], zipfile.ZIP_STORED)
    data = bytearray(file.read_bytes())
    second = data.rfind(b"PK\1\2")
    data[second + 42 : second + 46] = struct.pack("<I", 10)
    file.write_bytes(data)
    with pytest.raises(BadInputError, match="over each other"):
        unpack(file, tmp_path / "scratch")


def test_F052_an_archive_inside_is_refused(tmp_path):
    inner = packed(tmp_path / "inner.zip", [("x", b"x")])
    file = packed(tmp_path / "a.zip", [("inner.dcm", inner.read_bytes()), ("good", b"in")])
    found = unpack(file, tmp_path / "scratch")
    assert names(found) == ["good"]
    assert "inside an archive" in reasons(found)["inner.dcm"]


def test_F053_a_directory_that_lies_about_the_size(tmp_path):
    file = packed(tmp_path / "a.zip", [("a", b"abc" * 4000), ("b", b"good")])
    data = bytearray(file.read_bytes())
    at = data.find(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    file.write_bytes(data)
    found = unpack(file, tmp_path / "scratch")
    assert names(found) == ["b"]
    assert "damaged" in reasons(found)["a"]


def test_F054_70000_members_take_seconds(tmp_path):
    import time

    file = packed(tmp_path / "a.zip", [(f"{i}", b"") for i in range(70_000)], zipfile.ZIP_STORED)
    begin = time.monotonic()
    found = unpack(file, tmp_path / "scratch")
    assert len(found.members) + len(found.refused) == 70_000
    assert time.monotonic() - begin < 30


def test_F055_an_encrypted_archive_asks_for_its_password(tmp_path):
    data = [(b"one.dcm", b"first" * 50), (b"two.dcm", b"second")]
    file = encrypted(tmp_path / "a.zip", data, b"secret")
    with pytest.raises(PasswordNeededError) as asked:
        unpack(file, tmp_path / "scratch")
    assert not asked.value.wrong
    with pytest.raises(PasswordNeededError) as asked:
        unpack(file, tmp_path / "scratch", password="guess")
    assert asked.value.wrong
    assert list((tmp_path / "scratch").iterdir()) == [], "nothing stays of a failed try"
    found = unpack(file, tmp_path / "scratch", password="secret")
    assert sorted(m.path.read_bytes() for m in found.members) == [b"first" * 50, b"second"]


def test_F055_members_with_other_passwords_are_refused_alone(tmp_path):
    data = [(b"one", b"first"), (b"two", b"second"), (b"three", b"third")]
    file = encrypted(tmp_path / "a.zip", data, b"a", {b"two": b"b"})
    found = unpack(file, tmp_path / "scratch", password="a")
    assert names(found) == ["one", "three"]
    assert list(reasons(found)) == ["two"]


def test_F055_aes_is_refused_with_its_name(tmp_path):
    file = packed(tmp_path / "a.zip", [("aes.dcm", b"x"), ("good", b"y")], zipfile.ZIP_STORED)
    data = bytearray(file.read_bytes())
    at = data.find(b"PK\1\2")
    data[at + 8] |= 1
    data[at + 10 : at + 12] = struct.pack("<H", 99)
    file.write_bytes(data)
    found = unpack(file, tmp_path / "scratch", password="x")
    assert "AES" in reasons(found)["aes.dcm"]
    assert names(found) == ["good"]


def test_other_compressions_are_refused(tmp_path):
    file = packed(tmp_path / "a.zip", [("a", b"x" * 99)], zipfile.ZIP_LZMA)
    found = unpack(file, tmp_path / "scratch")
    assert "only deflate" in found.refused[0].reason


def test_F056_duplicate_and_case_clashing_names_are_all_kept(tmp_path):
    members = [("A.dcm", b"1"), ("a.dcm", b"2"), ("b.dcm", b"3")]
    file = packed(tmp_path / "a.zip", members)
    data = file.read_bytes().replace(b"b.dcm", b"a.dcm")
    file.write_bytes(data)
    found = unpack(file, tmp_path / "scratch")
    assert sorted(m.path.read_bytes() for m in found.members) == [b"1", b"2", b"3"]
    assert names(found) == ["A.dcm", "a.dcm", "a.dcm"]


def test_the_same_bytes_twice_are_said_to_be(tmp_path):
    file = packed(tmp_path / "a.zip", [("one", b"1"), ("two", b"1")])
    found = unpack(file, tmp_path / "scratch")
    assert reasons(found) == {"two": "the same bytes as one"}


def test_F057_one_damaged_member_costs_itself_only(tmp_path):
    members = [(f"{i}.dcm", bytes([i]) * 500) for i in range(100)]
    file = packed(tmp_path / "a.zip", members, zipfile.ZIP_STORED)
    data = bytearray(file.read_bytes())
    at = data.find(bytes([42]) * 500)
    data[at + 7] ^= 255
    file.write_bytes(data)
    found = unpack(file, tmp_path / "scratch")
    assert len(found.members) == 99
    assert list(reasons(found)) == ["42.dcm"]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_F057_a_cut_archive_is_refused_whole(tmp_path, part):
    file = packed(tmp_path / "a.zip", [(f"{i}", bytes([i]) * 500) for i in range(20)])
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(BadInputError, match="damaged"):
        unpack(file, tmp_path / "scratch")


def test_F058_chinese_names_without_the_flag(tmp_path):
    name = "头部/图像.dcm"
    raw = name.encode("gb18030")
    file = packed(tmp_path / "a.zip", [("x" * len(raw), b"1")], zipfile.ZIP_STORED)
    file.write_bytes(file.read_bytes().replace(b"x" * len(raw), raw))
    assert names(unpack(file, tmp_path / "scratch")) == [name]


def test_stopping_leaves_nothing(tmp_path):
    file = packed(tmp_path / "a.zip", [("a", b"1"), ("b", b"2")])
    with pytest.raises(CancelledError):
        unpack(file, tmp_path / "scratch", cancelled=lambda: True)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_1000_mutated_archives_end_in_members_or_typed_errors(tmp_path):
    import random

    dice = random.Random(7)
    members = [(f"{i}.dcm", bytes([i]) * 300) for i in range(8)]
    good = packed(tmp_path / "a.zip", members).read_bytes()
    file, opened = tmp_path / "m.zip", 0
    for _ in range(1000):
        data = bytearray(good)
        for _ in range(dice.choice((1, 1, 2, 4))):
            data[dice.randrange(len(data))] = dice.randrange(256)
        if dice.random() < 0.2:
            del data[dice.randrange(len(data)) :]
        file.write_bytes(data)
        try:
            found = unpack(file, tmp_path / "scratch", password="x")
        except BadInputError:
            continue
        opened += 1
        assert all(m.path.read_bytes() in {d for _, d in members} for m in found.members)
    assert opened > 200


def test_a_packed_series_opens_as_the_folder_does(tmp_path):
    write_uniform_series(tmp_path / "series", (5, 8, 9))
    files = sorted((tmp_path / "series").glob("*.dcm"))
    file = packed(
        tmp_path / "s.zip",
        [(f"CD/IM{i}", f.read_bytes()) for i, f in enumerate(files)] + [("readme.txt", b"hello")],
    )
    counts = []
    found = find([file], Context(tmp_path / "scratch", on_count=counts.append))
    assert counts[-1] >= 6
    (display,) = found.studies[0].series[0].displays
    plain = find([tmp_path / "series"], Context(tmp_path / "scratch"))
    assert display.geometry == plain.studies[0].series[0].displays[0].geometry
    assert found.files == 6
    assert [(s.path, s.reason) for s in found.skipped] == [
        (file / "readme.txt", "not DICOM (no DICM marker, too short)")
    ]


def test_an_archive_without_its_password_is_listed_and_the_rest_opens(tmp_path):
    write_uniform_series(tmp_path / "series", (2, 8, 9))
    file = encrypted(tmp_path / "series" / "a.zip", [(b"x", b"y")], b"secret")
    with pytest.raises(PasswordNeededError):
        find([tmp_path / "series"], Context(tmp_path / "scratch"))
    found = find([tmp_path / "series"], Context(tmp_path / "scratch", passwords={file: None}))
    assert len(found.studies) == 1
    assert "password" in found.skipped[0].reason
    assert found.files == 3


def test_archives_are_told_by_name_and_bytes(tmp_path):
    file = packed(tmp_path / "a.bin", [("a", b"1")])
    assert not is_archive(file)
    assert is_archive(file, named=True)
    fake = tmp_path / "b.zip"
    fake.write_bytes(b"no archive")
    assert not is_archive(fake)


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tgz", "a.7z", "a.rar"])
def test_other_archives_say_what_to_do(tmp_path, name):
    (tmp_path / name).write_bytes(b"whatever it holds")
    found = find([tmp_path], Context(tmp_path / "scratch"))
    assert "unpack it" in found.skipped[0].reason


@pytest.mark.parametrize("count", [1, 3, 60])
def test_encrypted_members_of_any_number_and_length(tmp_path, count):
    import random

    dice = random.Random(count)
    data = [(b"%03d.dcm" % i, dice.randbytes(dice.randrange(1, 900))) for i in range(count)]
    file = encrypted(tmp_path / "a.zip", data, b"pass")
    found = unpack(file, tmp_path / "scratch", password="pass")
    assert {m.name.encode(): m.path.read_bytes() for m in found.members} == dict(data)
    with zipfile.ZipFile(file) as theirs:
        assert {n.encode(): theirs.read(n, b"pass") for n in theirs.namelist()} == dict(data)


def test_one_damaged_encrypted_member_costs_itself_only(tmp_path):
    data = [(b"%03d.dcm" % i, bytes([i]) * 400) for i in range(50)]
    file = encrypted(tmp_path / "a.zip", data, b"pass")
    whole = bytearray(file.read_bytes())
    at = whole.find(b"020.dcm") + 7 + 12 + 3
    whole[at] ^= 255
    file.write_bytes(whole)
    found = unpack(file, tmp_path / "scratch", password="pass")
    assert len(found.members) == 49
    assert list(reasons(found)) == ["020.dcm"]


def test_stopping_while_decrypting_leaves_nothing(tmp_path):
    data = [(b"%03d.dcm" % i, bytes([i]) * 400) for i in range(50)]
    file = encrypted(tmp_path / "a.zip", data, b"pass")
    asked = iter([False] * 51 + [True] * 999)
    with pytest.raises(CancelledError):
        unpack(file, tmp_path / "scratch", password="pass", cancelled=lambda: next(asked))
    assert list((tmp_path / "scratch").iterdir()) == []


def test_reasons_name_members_not_hashes(tmp_path):
    write_uniform_series(tmp_path / "series", (2, 8, 9))
    first, second = sorted((tmp_path / "series").glob("*.dcm"))
    other = bytearray(first.read_bytes())
    other[-1] ^= 1
    file = packed(
        tmp_path / "s.zip",
        [("a/one", first.read_bytes()), ("a/two", bytes(other)), ("v.nii", b"x" * 400),
         ("r.hea", b"r 1 100"), ("three.dcm", second.read_bytes())],
    )  # fmt: skip
    found = find([file], Context(tmp_path / "scratch"))
    said = {s.path.name: s.reason for s in found.skipped}
    assert "SOP Instance UID as one," in said["two"]
    assert said["v.nii"].startswith("v.nii is no NIfTI file")
    assert said["r.hea"].startswith("r.hea names 1")  # records are kept together
    assert found.files == 5
