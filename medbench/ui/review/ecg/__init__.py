"""User interface: waveforms on calibrated paper."""
