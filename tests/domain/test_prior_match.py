"""Which studies are priors: same patient, same body part, earlier; and why."""

from dataclasses import replace
from datetime import date

import pytest
from made_studies import SAGITTAL, display, study

from medbench.domain.body_part import Region, compared, named_regions, regions_of, words_of
from medbench.domain.image import DisplayKind
from medbench.domain.prior_match import offers, same_patient, scored, study_day


def first(of):
    return of.series[0].displays[0]


@pytest.mark.parametrize(
    ("changes", "same", "doubt"),
    [
        ({}, True, ""),
        ({"patient_id": "P2"}, False, ""),
        ({"patient_birth_date": "1971-01-01"}, False, "another birth date"),
        ({"patient_birth_date": ""}, True, ""),
        ({"patient_sex": "F"}, False, "another sex"),
        ({"patient_sex": "O"}, True, ""),
        ({"patient_name": "Sample-Berg, Ivo"}, True, ""),
        ({"patient_name": "Other, Person"}, True, "another name"),
        ({"patient_name": "Other, Person", "patient_birth_date": ""}, False, "no birth date"),
        ({"patient_id": ""}, True, "no patient ID"),
        ({"patient_id": "", "patient_birth_date": ""}, False, ""),
        ({"patient_id": "", "patient_name": ""}, False, ""),
    ],
)
def test_one_patient_or_two(changes, same, doubt):
    one = study("1", "2020-01-01", display())
    found, words = same_patient(one, replace(one, **changes))
    assert found is same
    assert doubt in words
    assert bool(words) == bool(doubt)


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        ("CHEST", {Region.CHEST}),
        ("Thorax 1.0 B30f", {Region.CHEST}),
        ("T-SPINE", {Region.SPINE}),
        ("Thoracic spine sag", {Region.SPINE}),
        ("Abdomen Pelvis with contrast", {Region.ABDOMEN, Region.PELVIS}),
        ("Schädel nativ", {Region.HEAD}),
        ("T1post_ax", set()),
        ("L Knee AP", {Region.KNEE}),
    ],
)
def test_regions_in_words(text, regions):
    assert named_regions(text) == regions


def test_the_header_comes_before_descriptions():
    of = study("1", "2020-01-01", display(description="Brain"), description="Knee")
    assert regions_of(display(body_part="HEAD", description="Knee")) == {Region.HEAD}
    assert regions_of(first(of), of) == {Region.HEAD}
    assert regions_of(display(description="ax"), of) == {Region.KNEE}
    assert regions_of(display(modality="MG", description="")) == {Region.BREAST}
    assert regions_of(display(description="ax")) == set()


def test_comparing_regions():
    chest, heart, knee = (frozenset({r}) for r in (Region.CHEST, Region.HEART, Region.KNEE))
    assert compared(chest, chest) == 1.0
    assert compared(chest, heart) == 0.5
    assert compared(chest, frozenset()) == 0.0
    assert compared(chest, knee) is None
    assert compared(knee, frozenset({Region.WHOLE_BODY})) == 1.0


def test_words_without_noise():
    assert words_of("T1post_AX 5mm with the contrast") == {"t1", "post", "ax", "5", "contrast"}


def test_the_score_and_its_reasons():
    now = study("1", "2020-01-21", display())
    before = study("2", "2019-10-14", display())
    score, reasons = scored(first(now), now, first(before), before)
    assert reasons == ("same modality", "same body part", "same plane", "similar description")
    assert score == pytest.approx(4 + 4 + 2 + 3 + 1 + 1)
    other = replace(first(before), description="Knee")
    assert scored(first(now), now, other, before) == (0.0, ())
    tilted = display(direction=SAGITTAL)
    assert "same plane" not in scored(first(now), now, tilted, before)[1]
    left, right = (display("MG", "", 1, view_position="CC", laterality=side) for side in ("L", "R"))
    assert scored(left, now, right, before) == (0.0, ())
    reasons = scored(left, now, left, before)[1]
    assert {"same view", "same side", "same body part"} <= set(reasons)
    ecg = replace(first(before), kind=DisplayKind.WAVEFORM)
    assert scored(first(now), now, ecg, before) == (0.0, ())


def test_radiographs_of_any_kind_compare():
    now, before = study("1", "2020-01-01", display("DX", "Chest", 1)), None
    before = study("2", "2019-01-01", display("CR", "Chest", 1))
    assert "same modality" in scored(first(now), now, first(before), before)[1]


def test_only_earlier_studies_of_the_patient_are_offered():
    now = study("1", "2020-01-21", display())
    ct2019 = study("2", "2019-10-14", display(description="Chest"))
    ct2018 = study("3", "2018-01-01", display())
    mr2020 = study("4", "2020-01-20", display("MR", "Thorax"))
    others = [
        now, ct2018, mr2020, ct2019,
        study("5", "2021-01-01", display()),
        study("6", "", display()),
        study("7", "2019-12-01", display(), patient_id="P9"),
        study("8", "2019-12-01", display(description="Knee")),
        study("9", "2019-12-02", display("SEG", "Thorax")),
    ]  # fmt: skip
    found = offers(first(now), now, others)
    assert [o.study.study_instance_uid for o in found] == ["2", "3", "4"]
    assert found[0].days == 99
    assert found[0].display.description == "Chest"
    assert offers(first(now), replace(now, study_date=""), others) == ()


def test_the_same_day_counts_by_its_time():
    now = study("1", "2020-01-21", display(), study_time="14:00")
    earlier = study("2", "2020-01-21", display(), study_time="09:30")
    (offer,) = offers(first(now), now, [now, earlier])
    assert offer.days == 0
    assert offers(first(earlier), earlier, [now, earlier]) == ()


def test_the_best_display_of_a_study():
    now = study("1", "2020-01-21", display(description="Thorax lung"))
    before = study(
        "2", "2019-01-01", display(description="Thorax scout", slices=1),
        display(description="Thorax lung"), display(description="Thorax bone"),
        display(description="Thorax lung", time_index=1, time_count=2),
    )  # fmt: skip
    (offer,) = offers(first(now), now, [before])
    assert offer.display.description == "Thorax lung"
    assert offer.display.time_index == 0


def test_days_of_any_form():
    assert study_day(study("1", "20200121", display())) == date(2020, 1, 21)
    assert study_day(study("1", "2020-01-21", display())) == date(2020, 1, 21)
    assert study_day(study("1", "2020-13-21", display())) is None
    assert study_day(study("1", "", display())) is None
