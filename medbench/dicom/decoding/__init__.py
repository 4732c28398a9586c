"""Decoder chain and the watched process pool that runs it."""
