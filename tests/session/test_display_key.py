"""What readers wrote is found again, whatever else was opened before."""

import numpy as np

from medbench.dicom.scan import scan
from medbench.dicom.write import SimulatedPatient, write_ct_series
from medbench.domain.geometry import Geometry


def keys(result):
    return {d.key for s in result.studies for series in s.series for d in series.displays}


def test_the_key_of_a_display_does_not_count_other_studies(tmp_path):
    geometry = Geometry((3, 8, 8), (1.0, 1.0, 1.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    for name, date in (("a", "20200101"), ("b", "20210101")):
        person = SimulatedPatient("SIM-1", "Sample^Ivo", study_date=date)
        write_ct_series(tmp_path / name, np.zeros((3, 8, 8), np.int16), geometry, person)
    alone = keys(scan([tmp_path / "a"])) | keys(scan([tmp_path / "b"]))
    assert len(alone) == 2
    assert keys(scan([tmp_path / "a", tmp_path / "b"])) == alone
    assert keys(scan([tmp_path / "b", tmp_path / "a"])) == alone
