"""Simulated patients, deterministic and marked as simulated."""
