"""The vocabulary: frozen dataclasses and their rules; numpy only."""
