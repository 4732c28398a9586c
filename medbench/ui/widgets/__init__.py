"""User interface: widgets."""
