"""Presets of the 3-D view: bundled ones are sound, the user's win, damage is named."""

import json

import pytest

from medbench.base.errors import BadInputError
from medbench.imaging.render3d_presets import (
    VolumeMode,
    fault_of,
    presets_for,
    read_volume_presets,
    span_in_values,
    transfer_of,
)


def test_bundled_presets_can_all_be_used(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDBENCH_CONFIG", str(tmp_path))
    presets = read_volume_presets()
    assert len({p.preset_id for p in presets}) == len(presets)
    assert {p.mode for p in presets} == set(VolumeMode)
    for preset in presets:
        assert fault_of(preset) == "", preset
        if preset.mode is VolumeMode.SHADED:
            transfer = transfer_of(preset, *span_in_values(preset, (0.0, 200.0)))
            assert transfer.opacity[0] == preset.points[0][1] == 0
            assert transfer.opacity.max() == pytest.approx(
                max(p[1] for p in preset.points), abs=2e-3
            )
    bone = next(p for p in presets if p.preset_id == "ct-bone")
    assert span_in_values(bone, (0.0, 1.0)) == (815.0, 1370.0)  # HU stay HU
    ids = [p.preset_id for p in presets_for(presets, "CT", "HU")]
    assert ids[:3] == ["mip", "minip", "ct-bone"]
    assert not any(p.startswith("mr") for p in ids)
    assert not any(
        p.startswith("ct") for p in (q.preset_id for q in presets_for(presets, "CT", "mg/ml"))
    )


def test_presets_of_the_user_win_and_damage_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDBENCH_CONFIG", str(tmp_path))
    own = tmp_path / "volume_presets.json"
    mine = {"id": "mine", "name": "Mine", "mode": "shaded", "unit": "HU", "modality": "CT",
            "points": [[0, 0, "#000000"], [100, 0.5, "#ff0000"]]}  # fmt: skip
    own.write_text(json.dumps({"presets": [mine, {"id": "mip", "name": "My MIP", "mode": "mip"}]}))
    found = {p.preset_id: p for p in read_volume_presets()}
    assert found["mip"].name == "My MIP"
    assert found["mine"].points[1] == (100.0, 0.5, (1.0, 0.0, 0.0))
    for change, words in (
        ({"points": [[5, 0, "#000000"], [5, 1, "#000000"]]}, "rising"),
        ({"points": [[0, 0, "red"], [5, 1, "#000000"]]}, "colour"),
        ({"mode": "xray"}, "damaged"),
        ({"unit": "mm"}, "unit"),
        ({"points": [[0, 0, "#000000"], [5, 0, "#000000"]]}, "opaque"),
        ({"points": [[0, 0, "#000000"], [5, 3, "#000000"]]}, "opacities"),
    ):
        own.write_text(json.dumps({"presets": [mine | change]}))
        with pytest.raises(BadInputError, match=words):
            read_volume_presets()
    own.write_text("not json")
    with pytest.raises(BadInputError, match="cannot be read"):
        read_volume_presets()
