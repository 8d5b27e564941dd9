"""SHHH: secrets are found and redacted before anything leaves the process or reaches the disk."""
