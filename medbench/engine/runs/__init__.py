"""The jobs: train, plan, predict, evaluate."""
