"""How sessions, people and words of shared texts are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from chorus_tui.contract.models import collab as models
from chorus_tui.screens.collab_editor import COLORS
from chorus_tui.screens.collab_exchange import Exchange
from chorus_tui.telling import collab as words
from chorus_tui.telling.hmmm import delivered
from chorus_tui.widgets.plain import ago, plain, plain_lines

REDACTED = "A secret was taken out of what you typed; the letters before it was complete may be known"
NOTHING = "No text is shared yet.\n\nPress n to begin one: people and agents write in it at once."
CHOOSE = "Choose a text and press enter to write in it, or n to begin one."


def cells(row: models.CollabRow, now: float) -> tuple[Text, ...]:
    """A session in the list."""
    style = {"✉": "bold yellow", "●": "cyan", "✓": "green"}.get(words.state(row)[0], "dim")
    return (
        Text(words.state(row), style=style, no_wrap=True), Text(plain(row.title), no_wrap=True, overflow="ellipsis"),
        Text(str(row.people), justify="right"), Text(ago(now - row.last_at), justify="right"),
    )  # fmt: skip


def who(people: list[models.Participant], text: str) -> Text:
    """Those who are there with their sign and colour, then the others."""
    line = Text()
    for one in people:
        style = f"bold {COLORS[one.color % len(COLORS)]}" if one.here else "dim"
        line.append(plain(words.participant(one, text)), style=style)
        line.append("  ")
    line.rstrip()
    return line


def talk(chat: list[models.ChatLine]) -> Text:
    """The chat, the newest word last."""
    found = Text()
    for line in chat:
        found.append(plain(line.author_name), style="bold cyan" if line.kind == "human" else "bold magenta")
        found.append(f" {delivered(line.delivery)}\n", style="dim")
        found.append("\n".join(plain_lines(line.text)) + "\n")
    found.rstrip()
    return found if chat else Text("Nothing was said yet.", style="dim")


def standing(
    view: models.CollabView | None, exchange: Exchange | None, *, foreign: bool, only_looks: bool = False
) -> Text:
    """How safe the own words are, and what one should know of this text."""
    unsent, safe = exchange is not None and exchange.copy.unsent, exchange.safe if exchange is not None else None
    if view is not None and view.row.state == "ended":
        found = [words.ended(view.row)]
        found += ["⚠ What you typed last came after the end, and is not in it"] if unsent else []
    elif only_looks:
        found = ["○ read only: this portal only looks"]
    elif view is not None and not view.row.may_write:
        found = ["○ read only: who began it has not invited this peer"]
    elif exchange is not None and exchange.refusal:
        found = [f"⚠ not saved, kept here and sent again: {exchange.refusal}"]
    else:
        is_saved, held_by = not unsent and (safe is None or safe.saved), safe.held_by if safe else None
        reachable = exchange is None or exchange.reachable or not unsent
        found = [words.saved(is_saved=is_saved, held_by=held_by, reachable=reachable)]
    if foreign:
        found.append("⚠ It has characters that this editor cannot keep: 'chorus-tui collab edit' changes it")
    found += [f"⚠ {warning}" for warning in (words.warnings(view) if view else [])]
    return Text("\n".join(map(plain, found)))


def not_saved(left: Sequence[Exchange], rows: Mapping[str, models.CollabRow]) -> str:
    """Which texts lack something that was typed here, and why; empty: none."""
    lines = []
    for one in left:
        title = rows[one.session].title if one.session in rows else one.session
        lines.append(f"Not saved: what you typed last in “{title}”. {one.refusal or 'The engine is out of reach.'}")
    return "\n".join(lines)


def invitation(session: str, text: str) -> models.InviteToCollab | None:
    """What was typed as names and ``role:NAME``; None: nobody."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    roles = [name.removeprefix("role:") for name in names if name.startswith("role:")]
    members = [name for name in names if not name.startswith("role:")]
    return models.InviteToCollab(session=session, invited=members, roles=roles) if names else None
