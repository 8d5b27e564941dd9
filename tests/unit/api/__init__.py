"""The API room."""
