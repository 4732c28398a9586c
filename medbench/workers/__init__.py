"""QThreads that implement the ports the session declares; QtCore only."""
