"""Benchmarks, side by side with a peer in one run; the result is a ratio."""
