"""User interface: evaluate."""
