"""Engine: nets."""
