"""The workspace on disk: SQLite index, run and model folders, audit chain."""
