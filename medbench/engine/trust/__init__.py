"""Whether an answer can be trusted: calibration and the in-distribution gate."""
