"""User interface: cohorts."""
