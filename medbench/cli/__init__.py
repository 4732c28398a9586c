"""The command line: one verb a file, JSON on stdout."""
