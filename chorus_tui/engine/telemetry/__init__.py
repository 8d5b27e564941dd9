"""Logs and metrics. Features keep plain figures; this room shows and writes them. The only importer of prometheus_client."""
