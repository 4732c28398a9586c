"""User interface: train."""
