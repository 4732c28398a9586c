"""The composition root: builds everything, once."""
