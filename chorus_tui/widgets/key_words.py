"""How keys are told where no footer shows them: by the person's own names, so that no hint names a key that does nothing."""

from __future__ import annotations

from textual.dom import DOMNode


def told(node: DOMNode, binding: str, usual: str) -> str:
    """The keys of a binding, by its id; ``usual`` is what it is called without a keymap."""
    own: dict[str, str] = getattr(node.app, "own_keys", {})
    return own[binding].replace(",", " ") if binding in own else usual
