"""Main window and workspaces."""
