"""medbench: an offline workbench for clinical diagnosis (research use, not for diagnosis)."""

__version__ = "0.1.0"
