"""Scores with intervals, curves and calibration over stored predictions."""
