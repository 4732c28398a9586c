"""What an object lacks, or has too much of, by the tables of PS3.3 that come with highdicom."""

import json
import pkgutil

import pytest

_MODULES = {"M"}
_DEPENDING = ("sr-document-content", "functional-groups")
"""What these want depends on values, or stands in one of two places: the tables do not say so."""


def _table(name):
    data = pkgutil.get_data("highdicom", f"_standard/{name}.json")
    if data is None:
        pytest.skip("this highdicom has no tables of modules")
    return json.loads(data)


def complaints(dataset):
    """Missing or empty attributes of mandatory modules, and attributes no module of the IOD has."""
    pytest.importorskip("highdicom")
    iod = _table("sop_class_iod_map")[str(dataset.SOPClassUID)]
    modules = _table("iod_module_map")[iod]
    attributes = _table("module_attribute_map")
    found = []
    known = set()
    for module in modules:
        rows = attributes[module["key"]]
        known |= {row["keyword"] for row in rows if not row["path"]}
        depends = module["key"].endswith(_DEPENDING)
        if module["usage"] in _MODULES and not depends:
            found += [f"{module['key']}: {words}" for words in _missing(dataset, rows, ())]
    for element in dataset:
        group = element.tag.group
        if element.keyword not in known and group not in (2, 8) and not 0x6000 <= group < 0x60FF:
            found.append(f"{element.keyword} belongs to no module of {iod}")
    return found


def _missing(item, rows, path):
    for row in rows:
        if tuple(row["path"]) != path:
            continue
        keyword, kind = row["keyword"], row["type"]
        if keyword not in item:
            if kind in ("1", "2"):
                yield f"{'.'.join((*path, keyword))} is missing (type {kind})"
            continue
        element = item[keyword]
        if kind in ("1", "1C") and element.is_empty:
            yield f"{'.'.join((*path, keyword))} is empty (type {kind})"
        if element.VR == "SQ":
            for child in element.value:
                yield from _missing(child, rows, (*path, keyword))
