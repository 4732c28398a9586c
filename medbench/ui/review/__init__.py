"""User interface: review."""
