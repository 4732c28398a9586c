from medbench.app.start_record import StartRecord


def test_two_failed_starts_lead_to_safe_mode(tmp_path):
    assert not StartRecord(tmp_path).safe_mode
    assert not StartRecord(tmp_path).safe_mode
    third = StartRecord(tmp_path)
    assert third.safe_mode
    third.started()
    assert not StartRecord(tmp_path).safe_mode


def test_what_ended_the_program_is_not_opened_by_itself(tmp_path):
    first = StartRecord(tmp_path)
    first.started()
    first.opening([tmp_path / "bad", tmp_path / "worse"])
    second = StartRecord(tmp_path)
    assert second.suspect(tmp_path / "bad")
    assert not second.suspect(tmp_path / "good")
    second.started()
    second.opening([tmp_path / "good"])
    second.opened()
    assert not StartRecord(tmp_path).suspect(tmp_path / "good")


def test_an_orderly_end_leaves_no_suspects_and_no_names(tmp_path):
    record = StartRecord(tmp_path)
    record.opening([tmp_path / "Miller^Jane"])
    assert "Miller" not in (tmp_path / "start.json").read_text()
    record.closed()
    assert not StartRecord(tmp_path).suspect(tmp_path / "Miller^Jane")


def test_a_damaged_record_is_no_obstacle(tmp_path):
    (tmp_path / "start.json").write_text("{")
    assert not StartRecord(tmp_path).safe_mode
