"""Engine: label maps from pictures and volumes."""
