"""Hanging protocols in Review: applied by themselves, saved from the wall, edited."""
