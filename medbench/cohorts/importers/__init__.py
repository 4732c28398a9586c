"""One importer a file; each registers itself in one line."""
