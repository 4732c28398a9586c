import time

import numpy as np
import pytest
from PySide6.QtCore import QEvent

from medbench.dicom.write import SimulatedPatient, write_ct_series, write_radiograph
from medbench.domain.geometry import Geometry


@pytest.fixture
def ct_folder(tmp_path):
    """12 slices of 48 x 64, bone in the middle."""
    voxels = np.full((12, 48, 64), -1000, np.int16)
    voxels[:, 12:36, 16:48] = 40
    voxels[4:8, 20:28, 26:38] = 700
    geometry = Geometry((12, 48, 64), (3.0, 1.0, 1.0), (0, 0, 0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    folder = tmp_path / "ct"
    write_ct_series(folder, voxels, geometry, SimulatedPatient("SIM-1", "Sample^Ivo"))
    return folder


@pytest.fixture
def radiograph(tmp_path):
    """One simulated picture."""
    picture = np.tile(np.linspace(0, 4000, 90).astype(np.uint16), (80, 1))
    file = tmp_path / "cr" / "one.dcm"
    file.parent.mkdir()
    write_radiograph(file, picture, SimulatedPatient("SIM-2", "Sample^Lena"), key="a")
    return file


@pytest.fixture
def app(qapp, tmp_path, monkeypatch):
    """The whole program in a workspace of its own, without a warm engine."""
    from medbench.app.bootstrap import build_app

    monkeypatch.setenv("MEDBENCH_CONFIG", str(tmp_path / "config"))
    built = build_app(tmp_path / "workspace")
    built.window.resize(1600, 1000)
    built.window.show()
    built.refresh()
    yield built
    built.close()
    built.window.deleteLater()
    qapp.processEvents()
    # `processEvents` deletes nothing: without this every window of every test is styled again
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def wait(qapp):
    """Let events run until something holds."""

    def until(ready, limit_s=20.0):
        end = time.monotonic() + limit_s
        while not ready():
            qapp.processEvents()
            assert time.monotonic() < end, "did not happen in time"
            time.sleep(0.005)

    return until
