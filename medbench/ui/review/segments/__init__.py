"""Segmentation editing in Review: label maps, brushes, long edits, agreement."""
