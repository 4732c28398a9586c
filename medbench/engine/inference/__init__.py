"""Engine: inference."""
