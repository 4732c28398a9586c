"""Cine: slices or time points one after the other, at the speed of the file."""
