"""What the app knows right now, and its use-cases; QtCore only."""
