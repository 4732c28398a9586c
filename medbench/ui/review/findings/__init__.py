"""Findings of the reader, suggestions of models, the report: the tab Findings of Review."""
