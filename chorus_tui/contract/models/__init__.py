"""Requests and answers, one module an area; loaded when an operation is used."""
