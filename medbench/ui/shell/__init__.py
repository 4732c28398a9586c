"""User interface: shell."""
