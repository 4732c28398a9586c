"""Engine: explain."""
