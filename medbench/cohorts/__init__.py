"""Cases with labels: import, split by patient, leakage check, fingerprint."""
