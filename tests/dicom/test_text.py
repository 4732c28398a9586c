"""Goal G16 of names in their character sets; expected names from PS3.5 annexes H to K."""

import random
import warnings
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_charset_files

from medbench.dicom.dataset import read_dataset
from medbench.dicom.guard import read_header
from medbench.dicom.reader import open_display
from medbench.dicom.scan import scan
from medbench.dicom.text import character_set, one_name, shown_name
from medbench.dicom.values import item_characters, item_text, person_name

ESC = b"\x1b"
JAPANESE = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"
KOREAN = (
    b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf"
)
CHINESE = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab="

NAMES = [
    ("", b"Adams^John Robert Quincy^^Rev.", "Adams^John Robert Quincy^^Rev."),
    ("ISO_IR 6", b"Doe^Jane", "Doe^Jane"),
    ("ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
    ("ISO_IR 100", b"\xc4neas^R\xfcdiger", "Äneas^Rüdiger"),
    ("ISO_IR 101", b"Wa\xb3\xeasa^\xa3ukasz", "Wałęsa^Łukasz"),
    ("ISO_IR 101", b"Dvo\xf8\xe1k^Anton\xedn", "Dvořák^Antonín"),
    ("ISO_IR 109", b"\xc6auxlo^\xfeanjo", "Ĉauxlo^ŝanjo"),
    ("ISO_IR 110", b"B\xbarzi\xf1\xb9^J\xe0nis", "Bērziņš^Jānis"),
    ("ISO_IR 126", b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"),
    ("ISO_IR 127", b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "قباني^لنزار"),
    ("ISO_IR 138", b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "שרון^דבורה"),
    ("ISO_IR 144", b"\xbb\xee\xdace\xdc\xd1yp\xd3", "Люкceмбypг"),  # noqa: RUF001
    ("ISO_IR 144", b"\xb8\xd2\xd0\xdd\xde\xd2^\xbf\xd5\xe2\xe0", "Иванов^Петр"),
    ("ISO_IR 148", b"\xc7a\xf0lar^\xddpek", "Çağlar^İpek"),
    ("ISO_IR 166", b"\xca\xc1\xaa\xd2\xc2^\xe3\xa8\xb4\xd5", "สมชาย^ใจดี"),
    ("ISO_IR 203", b"\xbcuvre^Andr\xe9 \xa4", "Œuvre^André €"),
    ("ISO_IR 13", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
    ("\\ISO 2022 IR 87", JAPANESE, "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ("ISO 2022 IR 6\\ISO 2022 IR 87", JAPANESE, "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    (
        "ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J"
        b"^\x1b$B$?$m$&\x1b(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    ("\\ISO 2022 IR 87\\ISO 2022 IR 159", b"\x1b$(D\x30\x21\x1b$B;3\x1b(B", "丂山"),
    ("\\ISO 2022 IR 149", KOREAN, "Hong^Gildong=洪^吉洞=홍^길동"),
    ("ISO 2022 IR 149", b"\x1b$)C\xb1\xe8\xc8\xf1\xc1\xdf", "김희중"),
    ("\\ISO 2022 IR 58", CHINESE, "Zhang^XiaoDong=张^小东="),
    ("ISO 2022 IR 6\\ISO 2022 IR 58", b"\x1b$)A\xcd\xf5^\x1b$)A\xd0\xa1\xb6\xab", "王^小东"),
    ("ISO_IR 192", "Wang^XiaoDong=王^小東=".encode(), "Wang^XiaoDong=王^小東="),
    ("ISO_IR 192", "Löwe^Ærø=獅子=라이언".encode(), "Löwe^Ærø=獅子=라이언"),
    ("GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="),
    ("GB18030", "㐂^龘".encode("gb18030"), "㐂^龘"),
    ("GBK", "Wang=王^小東".encode("gbk"), "Wang=王^小東"),
    (
        "ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126",
        b"M\xfcller=\x1b-L\xb8\xd2\xd0\xdd^\x1b-F\xc4\xe9\xef",
        "Müller=Иван^Διο",
    ),
]


@pytest.mark.parametrize(("declared", "raw", "expected"), NAMES)
def test_G16_names_are_shown_exactly(declared, raw, expected):
    found = character_set(declared).decode(raw, "PN")
    assert found.text == expected
    assert found.note == ""


def test_G16_covers_thirty_names_in_seventeen_sets():
    sets = {term for declared, _, _ in NAMES for term in declared.split("\\")}
    assert len(NAMES) >= 30
    assert len(sets) >= 17


def by_pydicom_alone(declared, raw):
    encodings = pydicom.charset.convert_encodings(declared.split("\\"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(pydicom.charset.decode_bytes(raw, encodings, {0x5E, 0x3D}))


def test_G16_control_pydicom_alone_leaves_the_escapes_of_ir_58():
    wrong = [
        declared for declared, raw, expected in NAMES
        if "IR 58" in declared and by_pydicom_alone(declared, raw) != expected
    ]  # fmt: skip
    assert len(wrong) == 2


def test_files_of_pydicom_match_their_description():
    expected = {
        "chrArab.dcm": "قباني, لنزار", "chrFren.dcm": "Buc, Jérôme",
        "chrGerm.dcm": "Äneas, Rüdiger", "chrGreek.dcm": "Διονυσιος",
        "chrH31.dcm": "Yamada, Tarou (山田 太郎)", "chrH32.dcm": "ﾔﾏﾀﾞ, ﾀﾛｳ (山田 太郎)",
        "chrHbrw.dcm": "שרון, דבורה", "chrI2.dcm": "Hong, Gildong (洪 吉洞)",
        "chrJapMulti.dcm": "やまだ, たろう", "chrKoreanMulti.dcm": "김희중",
        "chrRuss.dcm": "Люкceмбypг", "chrX1.dcm": "Wang, XiaoDong (王 小東)",  # noqa: RUF001
        "chrX2.dcm": "Wang, XiaoDong (王 小东)",
    }  # fmt: skip
    for name, shown in expected.items():
        (path,) = get_charset_files(name)
        assert person_name(read_header(Path(path))) == shown, name


def test_items_may_have_character_sets_of_their_own():
    (path,) = get_charset_files("chrSQEncoding.dcm")
    ds = pydicom.dcmread(path)
    item = ds[0x0032, 0x1064][0]
    outer = item_characters(ds)
    assert outer.terms == ("ISO_IR 192",)
    inner = item_characters(item, outer)
    assert item_text(item, "PatientName", inner) == "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"
    assert item_characters(pydicom.Dataset(), outer) is outer


def test_a_delimiter_ends_the_code_extension():
    """PS3.5 6.1.2.5.3: after ^, = and \\ the first set is in force again."""
    korean = character_set("\\ISO 2022 IR 149")
    found = korean.decode(b"\x1b$)C\xb1\xe8^\xb1\xe8", "PN")
    assert found.text == "김^±è"
    assert "without declaring" in found.note
    assert character_set("\\ISO 2022 IR 87").decode(b"\x1b$B;3\r\nabc", "LT").text.endswith("abc")


def test_trail_bytes_that_look_like_delimiters_are_no_delimiters():
    both = "許^功\\蓋".encode("gb18030")
    assert b"\\" in "蘚".encode("gbk") or b"^" in both
    assert character_set("GB18030").decode(both, "PN").text == "許^功\\蓋"
    # 5E 5C inside JIS X 0208 is one character
    assert len(character_set("\\ISO 2022 IR 87").decode(b"\x1b$B\x35\x5e\x1b(B", "PN").text) == 1


def test_yen_sign_in_long_text_and_as_delimiter():
    japan = character_set("ISO_IR 13")
    assert japan.decode(b"a\\b", "LT").text == "a¥b"
    assert japan.decode(b"a\\b", "LO").text == "a\\b"


@pytest.mark.parametrize(
    ("declared", "raw", "text", "word"),
    [
        ("", "王^小东".encode("gb18030"), "王^小东", "GB 18030"),
        ("ISO_IR 100", "王^小东".encode("gb18030"), "王^小东", "GB 18030"),
        ("ISO_IR 100", "Müller^Zoë".encode(), "Müller^Zoë", "UTF-8"),
        ("ISO_IR 144", "Иванов".encode(), "Иванов", "UTF-8"),
        ("", b"M\xfcller", "Müller", "Western"),
        ("ISO_IR 9999", b"M\xfcller", "Müller", "unknown character set ISO_IR 9999"),
        ("ISO_IR 100", b"\x93x\x94", "“x”", "Windows-1252"),
        ("", ESC + b"$B;3ED" + ESC + b"(B", "山田", "ISO-IR 87"),
    ],
)
def test_what_is_not_declared_is_marked_as_a_guess(declared, raw, text, word):
    found = character_set(declared).decode(raw, "PN")
    assert found.text == text
    assert word in found.note


@pytest.mark.parametrize("name", ["Müßig", "créée", "Æøå", "Ñandú", "Ärgerlich", "Öztürk^Ülkü"])
def test_declared_latin_is_never_taken_for_chinese(name):
    found = character_set("ISO_IR 100").decode(name.encode("latin-1"), "PN")
    assert (found.text, found.note) == (name, "")


def test_bytes_without_meaning_are_named_never_a_question_mark():
    for declared, raw in (
        ("ISO_IR 192", b"a\xff\xfeb"),
        ("\\ISO 2022 IR 87", ESC + b"%Gx"),
        ("\\ISO 2022 IR 58", ESC + b"$)A\xd5"),
        ("ISO_IR 127", b"\xff"),
    ):
        found = character_set(declared).decode(raw)
        assert "?" not in found.text
        assert "\ufffd" in found.text
        assert "mean nothing" in found.note


def test_no_bytes_raise():
    chance = random.Random(3)
    for declared in {declared for declared, _, _ in NAMES}:
        for _ in range(200):
            raw = bytes(chance.choice(b"\x1b$()-ABCJ^=\\ \xb0\xc1\xff\x81ab") for _ in range(12))
            assert isinstance(character_set(declared).decode(raw, "PN").text, str)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田 太郎)"),
        ("Sample^Ivo", "Sample, Ivo"),
        ("=山田^太郎", "山田 太郎"),
        ("==やまだ^たろう", "やまだ たろう"),
        ("", ""),
        ("^^^^", ""),
    ],
)
def test_shown_name(name, shown):
    assert shown_name(name) == shown


def test_all_five_parts_of_a_name():
    assert one_name("Adams^John^Quincy^Rev.^B.A.") == "Rev. Adams, John Quincy, B.A."


def test_chinese_labels_in_data_sets_read_by_pydicom(write, ramp):
    """Labels of segments, structures and codes come through pydicom's data sets."""
    path = write("a.dcm", ramp, SpecificCharacterSet=["", "ISO 2022 IR 58"])
    ds = pydicom.dcmread(path)
    ds.add_new(0x00102160, "SH", b"\x1b$)A\xba\xba\xd7\xe5")
    ds.add_new(0x00100010, "PN", b"Zhang=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab")
    ds.save_as(path, enforce_file_format=True)
    found = read_dataset(path)
    assert found.EthnicGroup == "汉族"
    assert str(found.PatientName) == "Zhang=张^小东"
    assert found.PatientName.ideographic == "张^小东"
    assert found.Modality == "CT"


@pytest.mark.parametrize(
    ("raw", "noted"), [(b"Test^One", False), (b"\xcd\xf5^\xd0\xa1\xb6\xab", True)]
)
def test_a_guessed_name_is_a_warning_beside_the_image(write, ramp, raw, noted):
    path = write("a.dcm", ramp, PatientName=None)
    ds = pydicom.dcmread(path)
    ds.add_new(0x00100010, "PN", raw)
    ds.save_as(path, enforce_file_format=True)
    (display,) = (d for s in scan([path]).studies for x in s.series for d in x.displays)
    with open_display(display) as reader:
        info = reader.info(0)
    assert any("GB 18030" in warning for warning in info.warnings) == noted
    assert info.annotations["patient_name"] == ("王, 小东" if noted else "Test, One")
