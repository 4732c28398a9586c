"""User interface: models."""
