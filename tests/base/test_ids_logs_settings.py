import logging

import pytest

from medbench.base.errors import BadInputError
from medbench.base.ids import check_slug, new_id, slugify
from medbench.base.logs import RedactingFilter
from medbench.base.settings import Settings, read_settings, write_settings


@pytest.mark.parametrize("name", ["", "-a", "A", "a b", "con", "com1", "a/b", "..", "x" * 64])
def test_bad_slugs_are_refused(name):
    with pytest.raises(BadInputError, match="lower-case"):
        check_slug(name)


@pytest.mark.parametrize(
    ("text", "slug"),
    [("Chest X-ray v2", "chest-x-ray-v2"), ("肺", "unnamed"), ("CON", "unnamed"), ("a--b", "a-b")],
)
def test_slugify_gives_slugs(text, slug):
    assert slugify(text) == slug
    check_slug(slugify(text))


def test_ids_are_unique_and_sort_by_time():
    ids = [new_id("run") for _ in range(50)]
    assert len(set(ids)) == 50
    assert [i[:19] for i in ids] == sorted(i[:19] for i in ids)


def test_logs_carry_no_name_and_no_path():
    record = logging.LogRecord(
        "x", logging.INFO, "", 1, "opened %s of %s", ("/data/Doe/1.dcm", "Doe^Jane"), None
    )
    RedactingFilter().filter(record)
    assert record.getMessage() == "opened <path> of <name>"


def test_settings_survive_damage(tmp_path):
    path = tmp_path / "settings.json"
    write_settings(Settings(theme="light", recent_paths=("a", "b")), path)
    assert read_settings(path) == Settings(theme="light", recent_paths=("a", "b"))
    path.write_text('{"theme": 5, "language": "zh_CN", "unknown": 1}')
    assert read_settings(path) == Settings(language="zh_CN")
    path.write_text("[1")
    assert read_settings(path) == Settings()
