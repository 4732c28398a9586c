"""Engine: learners."""
