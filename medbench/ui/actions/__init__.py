"""User interface: actions."""
