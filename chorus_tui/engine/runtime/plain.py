"""Text of others on a terminal: shown, never obeyed."""

from __future__ import annotations


def plain(text: str) -> str:
    """One line without anything a terminal would act on."""
    return "".join(character if character.isprintable() else "�" for character in text)
