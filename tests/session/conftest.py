import time

import pytest


@pytest.fixture
def wait_for(qapp):
    """Let events run until something holds."""

    def until(ready, limit_s=10.0):
        end = time.monotonic() + limit_s
        while not ready():
            qapp.processEvents()
            assert time.monotonic() < end, "did not happen in time"
            time.sleep(0.002)

    return until
