import json
from dataclasses import replace

import pytest

from medbench.base.errors import BadInputError
from medbench.base.paths import resource
from medbench.domain.finding import (
    AiDecision,
    AiResult,
    Certainty,
    Finding,
    Region,
    ReportPart,
    Verdict,
)
from medbench.domain.image import Orientation
from medbench.domain.measurement import Measurement, MeasurementKind, Quantity, Site
from medbench.domain.reading_report import ReportSource, compose, merge, place_of, size_words
from medbench.session.operations.findings import queue_of, report_templates

SITE = Site("1.2", "1.2.1", "key", "1.2.1.1")
WORDS = json.loads(resource("report", "en.json").read_text(encoding="utf-8"))


def finding(number=1, **values):
    values = {"text": "Patchy opacity", "place": "right lower zone", **values}
    return Finding(f"f{number}", SITE, number, **values)


def length(name, value, badge="mm", lesion="", kind=MeasurementKind.LENGTH, names=("length",)):
    numbers = tuple(Quantity(n, v, "mm", badge) for n, v in zip(names, value, strict=True))
    return Measurement(name, kind, SITE, ((0.0, 0.0),), numbers, lesion=lesion)


def result(score=0.78, **values):
    regions = (Region(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)), 0.4, "right lower zone"),
               Region(((5.0, 5.0), (6.0, 5.0), (6.0, 6.0)), 0.1, "left lower zone"))  # fmt: skip
    values = {"regions": regions, "in_distribution": True, "stage": "approved", **values}
    return AiResult(
        values.pop("name", "r"), SITE, "cxr/4", "ab" * 32, "pneumonia", score, True, 0.42,
        "pneumonia", **values,
    )  # fmt: skip


def text(**values):
    return [sentence for _, sentence in compose(ReportSource(**values), WORDS)]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"certainty": Certainty.DEFINITE}, "Patchy opacity in the right lower zone."),
        ({}, "Patchy opacity in the right lower zone, probable."),
        ({"certainty": Certainty.POSSIBLE}, "Possible patchy opacity in the right lower zone."),
        ({"text": "CT nodule", "certainty": Certainty.POSSIBLE, "place": "left"},
         "Possible CT nodule on the left."),
        ({"text": "Pleural effusion", "place": "", "absent": True,
          "certainty": Certainty.DEFINITE}, "No pleural effusion."),
        ({"text": "No pleural effusion", "place": "", "absent": True,
          "certainty": Certainty.DEFINITE}, "No pleural effusion."),
        ({"text": "", "label": "old_fracture", "place": "", "certainty": Certainty.DEFINITE},
         "Old fracture."),
    ],
)  # fmt: skip
def test_a_finding_is_a_sentence(values, sentence):
    assert text(findings=[finding(**values)])[0] == sentence


def test_findings_stand_in_order_and_empty_ones_not():
    said = text(findings=[finding(2, text="Second"), finding(1, text="First"),
                          finding(3, text="", label="")])  # fmt: skip
    assert [line.split(" ")[0] for line in said] == ["First", "Second", "Composed"]
    assert text() == []


def test_new_needs_a_prior_that_was_read():
    one = [finding(certainty=Certainty.DEFINITE)]
    assert text(findings=one, prior_date="2020-02-11")[0].startswith("Patchy")
    new = text(findings=one, prior_date="2020-02-11", prior_findings=[])
    assert new[:2] == ["New patchy opacity in the right lower zone.", "Compared with 2020-02-11."]
    for before in (finding(), finding(place="right upper zone"), finding(place="")):
        said = text(findings=one, prior_date="2020-02-11", prior_findings=[before])
        assert said[0].startswith("Patchy")
    for before in (finding(place="left lower zone"), finding(text="Cyst"), finding(absent=True)):
        said = text(findings=one, prior_date="2020-02-11", prior_findings=[before])
        assert said[0].startswith("New")


def test_a_linked_measurement_joins_its_finding_with_its_trend():
    now = length("m", (12.34, 8.0), lesion="l1", kind=MeasurementKind.BIDIRECTIONAL,
                 names=("long axis", "short axis"))  # fmt: skip
    was = Quantity("long axis", 10.0, "mm", "mm"), Quantity("short axis", 8.0, "mm", "mm")
    before = replace(now, measurement_id="p", quantities=was)
    said = text(
        findings=[finding(measurement_ids=("m",), certainty=Certainty.DEFINITE)],
        measurements=[now], prior_date="2020-02-11", prior_measurements=[before],
    )  # fmt: skip
    assert said[0] == (
        "Patchy opacity in the right lower zone, 12.3 × 8.0 mm (was 10.0 × 8.0 mm on 2020-02-11, "
        "+23 %)."
    )
    assert len(said) == 3, "the linked measurement has no line of its own"


@pytest.mark.parametrize(
    ("before", "change"), [(20.0, "−50 %"), (10.0, "unchanged"), (10.04, "unchanged")]
)
def test_a_trend_counts_from_the_prior(before, change):
    source = ReportSource(prior_date="2020-02-11",
                          prior_measurements=[length("p", (before,), lesion="x")])  # fmt: skip
    words = size_words(length("m", (10.0,), lesion="x"), source, WORDS)
    assert words.endswith(f"on 2020-02-11, {change})")
    assert size_words(length("m", (10.0,), lesion="y"), source, WORDS) == "10.0 mm"


def test_lengths_say_where_their_millimetres_come_from():
    assert size_words(length("m", (10.0,), "mm at detector"), ReportSource(), WORDS) == (
        "10.0 mm at detector"
    )
    area = (Quantity("mean", 41.26, "HU"), Quantity("area", 1234.5, "mm2", "mm, geometry"))
    ellipse = Measurement("e", MeasurementKind.ELLIPSE, SITE, (), area)
    assert size_words(ellipse, ReportSource(), WORDS) == (
        "mean 41.3 HU, area 1234 mm², geometry"  # from a thousand on without decimals
    )
    angle = Measurement("g", MeasurementKind.ANGLE, SITE, (), (Quantity("angle", 30, "deg", "mm"),))
    assert size_words(angle, ReportSource(), WORDS) == "30.0°"
    refused = replace(length("m", (1.0,)), quantities=(Quantity("length", None, "", "no length"),))
    assert size_words(refused, ReportSource(), WORDS) == ""
    assert text(measurements=[refused]) == []


def test_a_model_is_quoted_with_version_hash_and_what_was_decided():
    one = result()
    decided = {"r/0": Verdict.ACCEPTED, "r/1": Verdict.REJECTED, "other/0": Verdict.REJECTED}
    decisions = [AiDecision(i, "1.2", v, "cxr/4", "", 0.78, 0.42) for i, v in decided.items()]
    said = text(results=[one], decisions=decisions)[0]
    assert said == (
        "AI (cxr/4, abababab, approved): pneumonia 78 % calibrated probability, above the "
        "threshold of 42 %; marks accepted 1, edited 0, rejected 1."
    )
    other = AiDecision("o/0", "1.2", Verdict.EDITED, "cxr/4", "", 0.5, 0.42)
    both = text(results=[result(0.5, name="o"), one, result(0.99, name="x", in_distribution=False)],
                decisions=[*decisions, other])  # fmt: skip
    assert both[0] == said.replace("edited 0", "edited 1"), "a line a version, its highest score"
    assert len(both) == 2
    outside = text(results=[result(in_distribution=False)])[0]
    assert "outside its training range" in outside
    assert "78" not in outside
    raw = text(results=[replace(result(0.3), calibrated=False)])[0]
    assert "score 0.30, not a probability, below the threshold of 0.42." in raw


def test_the_queue_asks_the_least_certain_first():
    near, far, low = result(0.45, name="n"), result(0.9, name="f"), result(0.1, name="l")
    queue = queue_of([far, low, near], ["f/1"])
    assert [s.suggestion_id for s in queue] == ["n/0", "n/1", "l/0", "f/0"]
    assert queue[2].region is None, "below the threshold the answer itself is judged"


def test_the_readers_words_stay_when_the_sources_change():
    first = merge((), [("a", "A one."), ("b", "B one."), ("c", "C one.")])
    assert [p.text for p in first] == ["A one.", "B one.", "C one."]
    edited = (first[0], replace(first[1], text="B mine."), ReportPart("", "", "My own."),
              replace(first[2], text=""))  # fmt: skip
    now = merge(edited, [("a", "A two."), ("new", "New."), ("b", "B two."), ("c", "C two.")])
    assert [(p.key, p.text) for p in now] == [
        ("a", "A two."), ("new", "New."), ("b", "B mine."), ("", "My own."), ("c", ""),
    ]  # fmt: skip
    assert [p.newer for p in now] == ["", "", "B two.", "", "C two."]
    gone = merge(now, [])
    assert [(p.key, p.text) for p in gone] == [("", "B mine."), ("", "My own.")]


@pytest.mark.parametrize(
    ("outline", "orientation", "words"),
    [
        ([(90, 10), (95, 20)], Orientation("L", "F"), "right lower zone"),
        ([(5, 95), (9, 99)], Orientation("L", "F"), "left upper zone"),
        ([(50, 95)], Orientation("R", "F"), "right middle zone"),
        ([(50, 95)], Orientation("L", "P"), "left"),
        ([(50, 5)], Orientation(), "middle zone, left of the picture"),
        ([], Orientation("L", "F"), ""),
    ],
)
def test_place_takes_its_side_from_the_files_letters(outline, orientation, words):
    assert place_of(outline, (100, 100), orientation, WORDS) == words


def test_a_workspace_has_templates_of_its_own(tmp_path):
    own = tmp_path / "report_templates.json"
    own.write_text(json.dumps({"notice": "Nur Forschung.", "new": "neu: "}), encoding="utf-8")
    templates = report_templates(tmp_path)
    assert compose(ReportSource([finding()]), templates)[-1][1] == "Nur Forschung."
    for wrong, sentence in (
        ("[1]", "one JSON object"), ('{"nothing": "x"}', "no template medbench knows"),
        ('{"notice": 3}', "no template medbench knows"),
        ('{"compared": "since {dtae}"}', "cannot be filled in"),
        ('{"compared": "since {date"}', "cannot be filled in"),
    ):  # fmt: skip
        own.write_text(wrong, encoding="utf-8")
        with pytest.raises(BadInputError, match=sentence):
            report_templates(tmp_path)
