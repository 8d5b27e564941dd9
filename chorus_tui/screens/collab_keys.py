"""The keys of the screen of shared texts."""

from __future__ import annotations

from textual.binding import Binding, BindingType

KEYS: list[BindingType] = [
    Binding("n", "new", "New", id="collab.new", tooltip="Begin a shared text"),
    Binding("enter", "open", "Open", id="collab.open", tooltip="Write in the text under the cursor"),
    Binding("a", "invite", "Invite", id="collab.invite", tooltip="Invite members or roles"),
    Binding("e", "end", "End", id="collab.end", tooltip="End the text: as content, as a patch, or as nothing"),
    Binding("ctrl+t", "chat", "Chat", id="collab.chat", tooltip="Say something beside the text; @name asks an agent"),
    Binding("escape", "back", "List", id="collab.back", tooltip="From the text to the list"),
]
