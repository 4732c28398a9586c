"""Engine: training."""
