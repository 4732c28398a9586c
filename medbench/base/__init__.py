"""Errors, settings, paths, logging, atomic files and ids; standard library only."""
