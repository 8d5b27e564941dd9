"""Logs and metrics. Features emit; this room counts and writes. The only importer of prometheus_client."""
