"""User interface: theme."""
