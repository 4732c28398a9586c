"""Short forms of the campaigns, fixed seeds, each with the control that must fail."""

import pytest

from tests.campaigns import g01_mutated, g01b_foreign, g02_cut, g03_bombs, g22_decoders

SLOW_TO_MAKE = {"JPEG XL 22000 x 22000", "contour of 8 MB", "F024 a million empty fragments",
                "JPEG with 20,000 scans", "report of 200,000 nodes",
                "F052 zip of 200 MiB in 200 kB", "F054 zip of 70,000 members"}  # fmt: skip


def test_G1_mutated_files_are_shown_or_refused():
    result = g01_mutated.run(8, 1, count=250)
    assert result.passed, result.failures
    assert result.figures["files"] >= 50
    assert set(result.figures["outcomes"]) == {"shown", "reason"}


def test_G1_control_without_the_guard_a_small_file_hangs():
    result = g01_mutated.run(2, 1, control=True)
    assert "hang" in result.failures[0]


def test_G1_the_same_small_file_is_refused_behind_the_guard():
    result = g03_bombs.run(10, 1, names=("F020 JP2 box of length 0",))
    assert result.passed, result.failures
    assert result.figures["slowest_s"] < 1


def test_G1_mutated_foreign_files_are_shown_or_refused():
    result = g01b_foreign.run(7, 1, count=120)
    assert result.passed, result.failures
    assert set(result.figures["outcomes"]) == {"shown", "reason"}


def test_G1_control_another_reader_makes_voxels_up():
    assert g01b_foreign.run(5, 1, control=True).failures


def test_G2_cut_files_are_incomplete_and_whole_ones_are_not():
    result = g02_cut.run(9, 1, cuts=60)
    assert result.passed, result.failures
    cuts = result.figures["cuts"]
    assert cuts["whole files"] >= 94
    assert cuts["incomplete"] > 0.97 * 7 * 60


def test_G2_control_pydicom_alone_is_silent():
    result = g02_cut.run(9, 1, control=True, cuts=40)
    assert "silent" in result.failures[0]


@pytest.mark.parametrize("part", [0, 1])
def test_G3_bombs_end_in_time_and_memory(part):
    quick = [name for name in g03_bombs.MAKERS if name not in SLOW_TO_MAKE]
    # a busy machine must not fail it: the 2 s are judged where the campaign runs alone
    result = g03_bombs.run(60, 1, names=tuple(quick[part::2]), max_seconds=8.0)
    assert result.passed, result.failures
    assert result.figures["bombs"] == len(quick[part::2])


def test_G3_control_pydicom_inflates_without_bound():
    result = g03_bombs.run(4, 1, control=True)
    assert "MiB" in " ".join(result.failures)


def test_G22_killed_decoders_leave_no_half_frame():
    result = g22_decoders.run(3, 4, frames=300, size=96)
    assert result.passed, result.failures
    assert result.figures["kills"] > 2
    assert result.figures["equal"] > 0


def test_G22_control_drawing_without_the_ready_state_shows_a_wrong_frame():
    result = g22_decoders.run(3, 4, control=True, frames=300, size=96)
    assert "shown wrong" in result.failures[0]
