"""The other process: plan, train, infer, explain. Start it with ``python -m medbench.engine``."""
