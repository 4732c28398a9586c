"""Matching, order, filling of cells, capture, and the checked JSON of hanging protocols."""

import itertools
import json
from dataclasses import replace

import pytest
from made_studies import SAGITTAL, display, study

from medbench.base.errors import BadInputError
from medbench.cli.main import main
from medbench.domain.body_part import Region
from medbench.domain.hanging import (
    HangingCell,
    HangingMatch,
    HangingRule,
    HangingStage,
    SeriesSelector,
    StudyFacts,
    chosen,
    facts_of,
    filled,
    matches,
    plane_of,
    selected,
    telling,
)
from medbench.domain.hanging_json import rules_from_json, rules_to_json
from medbench.session.hanging import merged
from medbench.session.operations.hanging import read_rules, shipped_rules, write_rules

FACTS = StudyFacts(
    frozenset({"CT", "SC"}), frozenset({Region.CHEST}), frozenset({"CHEST"}),
    frozenset({"thorax", "lung", "b60f"}), 4, True, frozenset({"L"}),
)  # fmt: skip
# field -> (values that match FACTS, values that don't)
FIELDS = {
    "modality": (("", "CT", "ct"), ("MR",)),
    "body_part": (("", "chest", "CHEST", "Thorax"), ("head", "unheard-of")),
    "words": (((), ("lung",), ("Lung", "thorax"), ("thorax lung",)), (("liver",), ("lung", "no"))),
    "without": (((), ("liver",)), (("lung",), ("liver", "thorax"))),
    "least_series": ((0, 4), (5,)),
    "most_series": ((0, 4, 9), (3,)),
    "prior": ((None, True), (False,)),
    "laterality": (("", "L", "l"), ("R",)),
}


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_alone(name):
    good, bad = FIELDS[name]
    for value in good:
        assert matches(HangingMatch(**{name: value}), FACTS), value
    for value in bad:
        assert not matches(HangingMatch(**{name: value}), FACTS), value


def test_every_pair_of_fields():
    """A match holds exactly where each of its fields holds: walked over all pairs of values."""
    walked = 0
    for one, other in itertools.combinations(FIELDS, 2):
        for a, b in itertools.product(
            itertools.chain(*FIELDS[one]), itertools.chain(*FIELDS[other])
        ):
            expected = a in FIELDS[one][0] and b in FIELDS[other][0]
            assert matches(HangingMatch(**{one: a, other: b}), FACTS) is expected, (
                one,
                a,
                other,
                b,
            )
            walked += 1
    assert walked > 200


def test_no_prior_means_none():
    assert matches(HangingMatch(prior=False), replace(FACTS, prior=False))
    assert not matches(HangingMatch(prior=True), replace(FACTS, prior=False))


ANYTHING = (SeriesSelector(),)


def rule(name, rows=1, selectors=ANYTHING, enabled=True, **match):
    cells = tuple(HangingCell(selector) for selector in selectors)
    stage = HangingStage(rows, len(cells), cells)
    return HangingRule(name, name, HangingMatch(**match), (stage,), enabled)


CHEST = study("1", "2020-01-21", display(description="Thorax lung"), display(description="Thorax"))
BEFORE = study("2", "2019-01-01", display(description="Thorax old"))


def test_the_most_specific_rule_wins_and_ties_go_to_the_first():
    every, ct, chest = rule("every"), rule("ct", modality="CT"), rule("b", body_part="chest")
    both = rule("both", modality="CT", body_part="chest")
    words = rule("words", modality="CT", words=("lung", "thorax"))
    for order in itertools.permutations([every, ct, both, words]):
        assert chosen(order, CHEST, None) is words
    for order in itertools.permutations([every, ct, both]):
        assert chosen(order, CHEST, None) is both
    assert chosen([every, ct, chest], CHEST, None) is ct
    assert chosen([every, chest, ct], CHEST, None) is chest
    assert chosen([replace(both, enabled=False), every], CHEST, None) is every
    assert chosen([rule("mr", modality="MR")], CHEST, None) is None
    assert chosen([], CHEST, None) is None


def test_a_rule_that_finds_too_little_is_not_applied():
    nothing = SeriesSelector(words=("flair",))
    half = rule("half", selectors=(SeriesSelector(), nothing))
    third = rule("third", selectors=(SeriesSelector(), nothing, nothing), modality="CT")
    assert chosen([third, half], CHEST, None) is half
    assert chosen([third], CHEST, None) is None


def test_a_prior_makes_another_rule_the_right_one():
    alone, with_prior = rule("alone", modality="CT"), rule("p", modality="CT", prior=True)
    assert chosen([alone, with_prior], CHEST, BEFORE) is with_prior
    assert chosen([alone, with_prior], CHEST, None) is alone


def test_facts_count_series_of_pictures():
    mixed = study(
        "1", "2020-01-21", display(description="Head"), display("SEG", "Head"),
        display("MR", "Brain", laterality="R"),
        display("MR", "Brain", time_index=1, time_count=2),
    )  # fmt: skip
    facts = facts_of(mixed, prior=False)
    assert facts.series == 2
    assert facts.modalities == {"CT", "MR"}
    assert facts.regions == {Region.HEAD}
    assert facts.lateralities == {"R"}


def test_selectors_one_by_one():
    brain = study(
        "1", "2020-01-21", display("MR", "T1 ax", 20), display("MR", "T1 post ax", 22),
        display("MR", "T2 sag", 30, SAGITTAL), display("CT", "Head", 5),
        display("MG", "", 1, view_position="CC", laterality="L"),
    )  # fmt: skip
    d = [series.displays[0] for series in brain.series]

    def get(**values):
        return selected(SeriesSelector(**values), brain, BEFORE)

    assert get() is d[0]
    assert get(order=2) is d[1]
    assert get(order=9) is None
    assert get(modality="mr", words=("T2",)) is d[2]
    assert get(words=("T1",), without=("post",)) is d[0]
    assert get(words=("T1", "post")) is d[1]
    assert get(plane="sagittal") is d[2]
    assert get(sort="images") is d[2]
    assert get(modality="MR", plane="axial", sort="images") is d[1]
    assert get(images=21) is d[1]
    assert get(view="cc", laterality="L") is d[4]
    assert get(laterality="R") is None
    assert get(prior=True) is BEFORE.series[0].displays[0]
    assert selected(SeriesSelector(prior=True), brain, None) is None
    assert plane_of(d[0]) == "axial"
    assert plane_of(d[4]) == ""


def test_what_was_captured_finds_itself_again():
    brain = study(
        "1", "2020-01-21", *(display("MR", name) for name in (
            "T1 ax", "T1 ax post", "T2 ax", "T2 ax", "FLAIR 3mm")),
        display("MR", "T1 sag", 20, SAGITTAL), display("CT", "Head"),
    )  # fmt: skip
    for series in brain.series:
        (own,) = series.displays
        selector = telling(own, brain, prior=False)
        assert selected(selector, brain, None) is own
        assert not any(word[0].isdigit() for word in selector.words)
    assert telling(brain.series[4].displays[0], brain, prior=False).words == ("flair",)
    assert telling(brain.series[3].displays[0], brain, prior=True).order == 2


# JSON


def full_rule():
    cell = HangingCell(
        SeriesSelector("CT", ("lung",), ("bone",), "axial", "", "L", 10, "images", 2, True),
        "coronal", "ct-lung", None, True, 5.0, "maximum", True,
    )  # fmt: skip
    other = HangingCell(window=(40.0, 400.0))
    match = HangingMatch("CT", "chest", ("low", "dose"), ("cta",), 2, 9, False, "L")
    stages = (HangingStage(1, 2, (cell, other), "Lung", True), HangingStage(4, 4, (other,)))
    return HangingRule("r1", "Low dose", match, stages, False, True)


def test_every_field_survives_the_round_trip(tmp_path):
    rules = (full_rule(), rule("plain"))
    text = json.dumps(rules_to_json(rules))
    assert rules_from_json(json.loads(text)) == rules
    write_rules(tmp_path / "h.json", rules)
    assert read_rules(tmp_path / "h.json") == rules


def damaged(change):
    value = json.loads(json.dumps(rules_to_json((full_rule(),))))
    change(value)
    return value


def put(*path, value):
    def change(found):
        for key in path[:-1]:
            found = found[key]
        found[path[-1]] = value

    return change


STAGE = ("rules", 0, "stages", 0)
CELL = (*STAGE, "cells", 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("format", value="other"), "no file of hanging protocols"),
        (put("version", value=2), "version 2"),
        (put("version", value=True), "version"),
        (put("rules", value={}), "'rules' must be a list"),
        (put("rules", 0, value=3), "Rule 1: an object"),
        (put("rules", 0, "name", value=" "), "Rule 1: 'name' is missing"),
        (put("rules", 0, "id", value=""), r"Rule 1 \(Low dose\): 'id' is missing"),
        (put("rules", 0, "colour", value=1), "unknown field 'colour'"),
        (put("rules", 0, "enabled", value="yes"), "'enabled' must be true or false"),
        (put("rules", 0, "stages", value=[]), "'stages' must be a list of 1 to 20"),
        (put("rules", 0, "match", "prior", value=1), "match: 'prior' must be true, false or null"),
        (put("rules", 0, "match", "least_series", value=10), "at least 10 and at most 9"),
        (put("rules", 0, "match", "words", value="low"), "match: 'words' must be a list"),
        (put("rules", 0, "match", "laterality", value="X"), "match: 'laterality' must be one of"),
        (put(*STAGE, "rows", value=5), "stage 1: 'rows' must be a whole number from 1 to 4, not 5"),
        (put(*STAGE, "rows", value=1.0), "'rows' must be a whole number"),
        (put(*STAGE, "cells", value=[]), "list of 1 to 2 cells"),
        (put(*CELL, "kind", value="oblique"), "cell 1: 'kind' must be one of"),
        (put(*CELL, "window", value=[40, 0]), r"'window' must be \[centre, width\]"),
        (put(*CELL, "window", value=[1, float("nan")]), "'window' must be"),
        (put(*CELL, "slab_mm", value=-1), "'slab_mm' must be a number from 0 to 1000"),
        (put(*CELL, "series", "plane", value="up"), "cell 1, series: 'plane' must be one of"),
        (put(*CELL, "series", "order", value=0), "'order' must be a whole number from 1"),
        (put(*CELL, "series", "modalty", value="CT"), "unknown field 'modalty'"),
        (put(*CELL, "series", "modality", value="x" * 201), "text of at most 200"),
    ],
)
def test_damage_is_named_with_its_place(change, words):
    with pytest.raises(BadInputError, match=words):
        rules_from_json(damaged(change))


def test_an_id_is_there_once():
    value = damaged(lambda found: found["rules"].append(found["rules"][0]))
    with pytest.raises(BadInputError, match="Rule 2: the id 'r1' is there twice"):
        rules_from_json(value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{\n "format": ', "no JSON: .*line 2"),
        (b"\xff\xfe\x00", "no text"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no file of hanging protocols"),
        (b'{"format": "medbench.hanging", "version": 1, "rules": [null]}', "Rule 1"),
    ],
)
def test_damaged_files_are_named(tmp_path, data, words):
    file = tmp_path / "mine.json"
    file.write_bytes(data)
    with pytest.raises(BadInputError, match=f"(?s)mine.json.*{words}"):
        read_rules(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r"none\.json does not exist"):
        read_rules(tmp_path / "none.json")


def test_shipped_examples_are_valid_and_off():
    rules = shipped_rules()
    assert {r.rule_id for r in rules} >= {"ct-chest", "mr-brain", "mg-four-views"}
    assert all(r.shipped and not r.enabled for r in rules)
    from medbench.imaging.window import read_presets

    presets = {preset.preset_id for preset in read_presets()}
    used = {c.preset for r in rules for s in r.stages for c in s.cells if c.preset}
    assert used <= presets


def test_the_examples_hang_what_they_are_for():
    rules = {r.rule_id: replace(r, enabled=True) for r in shipped_rules()}
    everything = list(rules.values())
    chest = study("1", "2020-01-21", display(description="Thorax", slices=40))
    assert chosen(everything, chest, None) is rules["ct-chest"]
    views = [
        display("MG", "", 1, view_position=view, laterality=side)
        for side in ("L", "R")
        for view in ("MLO", "CC")
    ]
    breast = study("2", "2020-01-21", *views)
    found = chosen(everything, breast, None)
    assert found is rules["mg-four-views"]
    hung = filled(found.stages[0], breast, None)
    assert [(d.laterality, d.view_position) for d in hung] == [
        ("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO")
    ]  # fmt: skip
    names = ("T1 ax", "T2 ax", "FLAIR", "DWI b1000")
    brain = study("3", "2020-01-21", *(display("MR", f"Brain {name}") for name in names))
    found = chosen(everything, brain, None)
    assert found is rules["mr-brain"]
    assert [d.description[6:] for d in filled(found.stages[0], brain, None)] == list(names)
    xray = study("4", "2020-01-21", display("CR", "Chest PA", 1))
    older = study("5", "2019-01-21", display("CR", "Chest PA", 1))
    assert chosen(everything, xray, older) is rules["radiograph-prior"]
    assert chosen(everything, xray, None) is None


def test_merging_doubles_nothing():
    mine, same = full_rule(), replace(full_rule(), shipped=False)
    other = replace(full_rule(), name="Another")
    assert merged((mine,), (same,)) == (mine,)
    new = merged((mine,), (other, rule("plain")))
    assert [r.name for r in new] == ["Another", "plain", "Low dose"]
    assert len({r.rule_id for r in new}) == 3


# command line


def test_verb_hanging(tmp_path, capsys):
    assert main(["hanging", "list", "--workspace", str(tmp_path), "--json"]) == 0
    file = tmp_path / "list.json"
    file.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["hanging", "check", str(file)]) == 0
    assert "is valid. Rules: 4" in capsys.readouterr().out
    file.write_text(file.read_text().replace('"rows": 1', '"rows": 9', 1), encoding="utf-8")
    assert main(["hanging", "check", str(file)]) == 2
    assert "'rows' must be a whole number from 1 to 4, not 9" in capsys.readouterr().err
