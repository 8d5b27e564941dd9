"""Callbacks: rules and the service."""
