"""Numbers of measurements: calibration, refusals, SUV, tables, pairing of lesions."""

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest

from medbench.domain.calibration import Calibration, MmSource, UltrasoundRegion
from medbench.domain.image import FrameInfo
from medbench.domain.measurement import Measurement, MeasurementKind, Quantity, Site
from medbench.domain.objects import PlaneGrid
from medbench.session.lesions import before, change_percent, history, next_lesion_name
from medbench.session.measuring import (
    COLUMNS,
    Picture,
    acquired_picture,
    cut_picture,
    measurements_csv,
    quantities_of,
)

K = MeasurementKind
VALUES = np.arange(100.0).reshape(10, 10)


def named(kind, points, picture):
    return {q.name: q for q in quantities_of(kind, points, picture)}


def test_lengths_carry_their_source():
    info = FrameInfo(calibration=Calibration(MmSource.DETECTOR, 0.2, 0.1))
    found = named(K.LENGTH, ((0, 0), (3, 4)), acquired_picture(VALUES, info))["length"]
    assert found.value == pytest.approx(math.hypot(0.6, 0.4))
    assert (found.unit, found.badge) == ("mm", "mm at detector")
    plain = named(K.LENGTH, ((0, 0), (3, 4)), Picture((10, 10)))["length"]
    assert plain == Quantity("length", 5.0, "px", "px")


def test_angles_are_those_of_the_patient_not_of_the_pixels():
    flat = Picture((10, 10), calibration=Calibration(MmSource.PATIENT, 2.0, 1.0))
    found = named(K.ANGLE, ((0, 4), (0, 0), (2, 4)), flat)["angle"]
    assert found.value == pytest.approx(45.0)
    stretched = Picture((10, 10), aspect=(2.0, 1.0))  # no millimetres, but a known shape
    assert named(K.ANGLE, ((0, 4), (0, 0), (2, 4)), stretched)["angle"].value == pytest.approx(45)
    obtuse = named(K.ANGLE, ((0, 4), (0, 0), (2, -4)), flat)["angle"]
    assert obtuse.value == pytest.approx(135.0)
    cobb = named(K.COBB, ((0, 0), (0, 4), (0, 0), (2, -4)), flat)["Cobb angle"]
    assert cobb.value == pytest.approx(45.0)
    assert named(K.ANGLE, ((0, 0), (0, 0), (2, 4)), flat)["angle"].value is None


def test_ultrasound_measures_in_one_region_or_in_pixels_or_not_at_all():
    region = UltrasoundRegion(0, 0, 5, 9, 3, 3, 0.01, 0.01)
    waves = UltrasoundRegion(6, 0, 9, 9, 4, 3, 0.01, 0.01)
    picture = Picture((10, 10), VALUES, Calibration(MmSource.ULTRASOUND, regions=(region, waves)))
    inside, across, wave = ((1, 1), (1, 5)), ((1, 1), (1, 8)), ((1, 7), (1, 9))
    assert named(K.LENGTH, inside, picture)["length"] == Quantity(
        "length", pytest.approx(0.4), "mm", "mm, ultrasound region"
    )
    assert named(K.LENGTH, across, picture)["length"].unit == "px"
    refused = named(K.LENGTH, wave, picture)["length"]
    assert refused.value is None
    assert "not both centimetres" in refused.badge
    box = named(K.RECTANGLE, ((1, 1), (4, 4)), picture)
    assert box["area"].value == pytest.approx(16 * 0.01)
    assert box["perimeter"].value == pytest.approx(4 * 0.3)
    over = named(K.RECTANGLE, ((1, 6.5), (4, 9)), picture)
    assert (over["area"].value, over["perimeter"].value) == (None, None)
    assert over["mean"].value is not None  # grey values need no millimetres
    assert named(K.ANGLE, ((1, 7), (3, 7), (3, 9)), picture)["angle"].value is None
    both = named(K.BIDIRECTIONAL, (*inside, (1, 1), (1, 8)), picture)
    assert {both[n].unit for n in ("long axis", "short axis")} == {"px"}
    none = named(K.BIDIRECTIONAL, (*inside, *wave), picture)
    assert none["product"].value is None


def test_the_longer_axis_is_the_long_one():
    found = named(K.BIDIRECTIONAL, ((0, 0), (0, 2), (0, 0), (5, 0)), Picture((10, 10)))
    assert (found["long axis"].value, found["short axis"].value) == (5.0, 2.0)
    assert found["product"] == Quantity("product", 10.0, "px2", "px")


def test_uptake_follows_the_factor():
    info = FrameInfo(value_unit="Bq/ml", suv_factor=0.5)
    found = named(K.RECTANGLE, ((2, 2), (4, 4)), acquired_picture(VALUES, info))
    assert found["SUV mean"].value == found["mean"].value * 0.5
    assert found["SUV max"].unit == "g/ml"
    probe = named(K.PROBE, ((3, 3),), acquired_picture(VALUES, info))
    assert probe["SUV"].value == 33 * 0.5
    grid = PlaneGrid((0, 0, 0), (1, 0, 0), (0, 1, 0), 1.0, 1.0, 10, 10)
    mixed = named(K.PROBE, ((3, 3),), cut_picture(VALUES, grid, info, suv=False))
    assert "SUV" not in mixed


def test_nothing_counted_is_a_dash_with_a_reason():
    padded = Picture((10, 10), np.full((10, 10), -2000), padding=(-2000, -2000))
    found = named(K.RECTANGLE, ((2, 2), (4, 4)), padded)
    assert (found["n"].value, found["left out"].value) == (0, 9)
    assert found["mean"] == Quantity("mean", None, "", "nothing but padding inside")
    empty = named(K.RECTANGLE, ((2.2, 2.2), (2.8, 2.8)), Picture((10, 10), VALUES))
    assert (empty["mean"].value, empty["area"].value) == (None, None)
    assert named(K.PROBE, ((20, 3),), Picture((10, 10), VALUES))["value"].value is None
    nan = Picture((10, 10), np.full((10, 10), np.nan))
    assert named(K.PROBE, ((2, 3),), nan)["value"].value is None
    for q in quantities_of(K.ELLIPSE, ((2, 2),) * 4, nan):
        assert q.value is None or math.isfinite(q.value), q


def test_colours_have_no_mean():
    picture = Picture((10, 10), np.zeros((10, 10, 3), np.uint8) + np.uint8([1, 2, 3]))
    assert "mean" not in named(K.RECTANGLE, ((2, 2), (4, 4)), picture)
    assert [q.value for q in quantities_of(K.PROBE, ((2, 3),), picture)] == [1, 2, 3]


def measurement(study="1", kind=K.BIDIRECTIONAL, product=100.0, **fields):
    site = Site(study, f"{study}.1", f"{study}|{study}.1|d", f"{study}.1.1")
    return Measurement(
        f"m-{study}-{product}", kind, site, ((0.5, 1.0), (2.0, 3.0)),
        (Quantity("product", product, "mm2", "mm"),), **fields,
    )  # fmt: skip


def test_a_table_holds_every_number_with_its_source():
    grid = PlaneGrid((10, 20, 30), (0, 1, 0), (0, 0, -1), 2.0, 0.5, 9, 9)
    first = measurement(label='odd, "name"', lesion="=SUM(A1)")
    cut = replace(first.site, sop_instance_uid="", grid=grid, view="coronal")
    second = replace(first, site=cut, quantities=(Quantity("length", None, "", "no length here"),))
    rows = list(csv.reader(io.StringIO(measurements_csv([first, second]))))
    assert tuple(rows[0]) == COLUMNS
    table = [dict(zip(COLUMNS, row, strict=True)) for row in rows[1:]]
    assert (table[0]["value"], table[0]["unit"], table[0]["source"]) == ("100.0", "mm2", "mm")
    assert table[0]["label"] == 'odd, "name"'
    assert table[0]["lesion"] == "'=SUM(A1)"
    assert (table[0]["frame"], table[1]["frame"]) == ("1", "")
    assert (table[1]["value"], table[1]["source"]) == ("", "no length here")
    assert table[1]["points_lps_mm"] == "10 20.5 29; 10 21.5 26"


def test_lesions_pair_by_name_and_kind_within_a_patient():
    now = measurement("3", product=127.0, lesion="Lesion 1")
    others = [
        now,
        measurement("1", product=90.0, lesion="Lesion 1"),
        measurement("2", product=80.0, lesion="Lesion 1", created="a"),
        measurement("2", product=100.0, lesion="Lesion 1", created="b"),
        measurement("2", product=500.0, lesion="Lesion 2"),
        measurement("2", product=500.0, lesion="Lesion 1", kind=K.LENGTH),
        measurement("9", product=500.0, lesion="Lesion 1"),  # somebody else's
    ]
    dates = {"1": "20190214", "2": "20191014", "3": "20200121"}
    visits = history(now, others, dates)
    assert [(v.date, v.value) for v in visits] == [
        ("20190214", 90.0), ("20191014", 100.0), ("20200121", 127.0),
    ]  # fmt: skip
    prior = before(visits, now)
    assert prior is not None
    assert change_percent(now.quantity("product").value, prior.value) == pytest.approx(27.0)
    assert before(history(others[1], others, dates), others[1]) is None
    assert history(replace(now, lesion=""), others, dates) == ()
    px = replace(others[3], quantities=(Quantity("product", 100.0, "px2", "px"),))
    assert history(now, [now, px], dates) == ()
    assert change_percent(3.0, 0.0) is None
    assert next_lesion_name(others, "Lesion") == "Lesion 3"
