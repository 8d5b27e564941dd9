"""Help: first steps, commands, keys, and what the names mean. ``/`` searches it."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from chorus_tui.commands.table import COMMANDS
from chorus_tui.widgets.portal_screen import PortalScreen

FIRST_STEPS = (
    ("1", "Start an agent on this machine:  CHORUS_LICENSE_ID=dev-local chorus-tui --headless"),
    ("2", "See it come:  press 3 for peers. On another machine, chorus-tui invite  prints what to set there."),
    ("3", "Announce a task:  press t, then a. A title and a command are enough."),
    ("4", "Or give a goal to an agent with a model: choose “a goal” in the form; checks show that it is done."),
    ("5", "Watch it:  its output streams in; when it has ended, exit code and files are shown as they are."),
)
KEYS = (
    ("1 2 3 4 8", "help, status, peers, rooms (HMMM), decide"), ("t i", "tasks, inbox"),
    (":", "the prompt: any command by its name, with completion"),
    ("ctrl+p", "the palette: search all commands"), ("?", "the keys of this screen"), ("/", "filter a list or a log; escape clears"),
    ("g  G", "first and last line; at the end a log follows again"), ("y", "copy the id under the cursor"),
    ("a  x  s", "on tasks: announce, cancel, save files and the patch"),
    ("c  u  b", "on tasks: claim one yourself, submit its result, give it back"),
    ("r  p  d", "on tasks: retry an ended one, approve or deny one that waits for it"),
    ("w  h  e", "on tasks: say a word to its agent, hold it or let it go on, end its work with what there is"),
    ("v  m", "on tasks: read the diff of its change, and the transcript of its steps; s saves either"),
    ("v  n  w", "on decide: vote with a reason, propose, withdraw a proposal of your own"),
    ("n  r", "on rooms: write a message (reasoning, reply, query, proposal), reply to one"),
    ("o  a  w", "on rooms: object to a proposal, agree with it, answer what waits for a person"),
    ("o", "on tasks: board, task, output, in turn"), ("q", "leave"),
)  # fmt: skip
GLOSSARY = (
    ("admin", "the member that leads the control log: it admits members, grants tasks and accepts results"),
    ("agent", "a peer without a screen that takes tasks by itself"),
    ("announced", "said in a feed; waiting for a grant"),
    ("artifact", "a file that a task left in /workspace/output; kept by its hash"),
    ("attempt", "one grant of a task. A new one follows when a worker is lost"),
    ("budget", "steps, tokens, containers and time that an agent's attempt may use"),
    ("by hand", "a task that a person claimed and works on without a sandbox"),
    ("blob", "content by its SHA-256; files travel as blobs"),
    ("change", "what differs from the repository's base commit; it comes back as a patch"),
    ("check", "a command that shows that a task is done, run on its result in a fresh sandbox"),
    ("confirmed", "decided in the control log; it stands for ever"),
    ("control log", "what the mesh decided: one log, agreed by its voters, checked by every member"),
    ("evidence", "a result that was said and does not count: too late, twice, or without a grant"),
    ("decision", "something put to the vote; the last vote of each member before the closing counts"),
    ("feed", "what one peer said: signed, chained by hash, replicated to all members"),
    ("execution", "how the work ended. An agent that says that it is done has shown nothing by it"),
    ("goal", "what an agent with a model is to reach, instead of commands"),
    ("grant", "the admin's word that a worker may run a task, with a lease"),
    ("held by", "peers that confirmed to have a message on disk"),
    ("HMMM", "rooms in which people and agents think together: proposals are agreed when nobody objects in time"),
    ("lease", "how long a grant holds without a sign of life from its worker"),
    ("mesh", "peers that follow one control log; its id is the hash of its founding entry"),
    ("provisional", "a mesh of one; it goes into the first other it meets"),
    ("quorum", "the part of those eligible that has to vote; abstentions count for it and for nothing else"),
    ("record", "what came of a decision, kept by every member under its hash"),
    ("result in", "the worker has reported, the mesh has not confirmed it yet"),
    ("sandbox", "a Docker container without network, read-only, gone after the task"),
    ("SHHH", "finds secrets and redacts them before anything is said, stored or logged"),
    ("suspect", "a peer that stopped answering; it is dialled again"),
    ("term", "the number of an admin's reign; acts of an older term have no effect"),
    ("thread", "what was said about a task, each word with its signer"),
    ("verification", "what the checks showed, and by whom they were run"),
    ("voter", "a member whose acknowledgement decides. With one voter there is no failover"),
)


class HelpScreen(PortalScreen):
    """One long page."""

    NAME = "help"
    CSS_PATH = "help.tcss"

    def body(self) -> ComposeResult:
        with VerticalScroll(id="page"):
            yield Static(page(""), id="help-text", markup=False)

    def on_mount(self) -> None:
        """Keys scroll the page."""
        self.query_one("#page").focus()

    def filtered(self, text: str) -> None:
        self.query_one("#help-text", Static).update(page(text))

    def focus_main(self) -> None:
        self.query_one("#page").focus()


def page(wanted: str) -> Text:
    """The lines that hold ``wanted``, under their headings."""
    sections = (
        ("First steps", FIRST_STEPS),
        ("Commands", tuple((f":{c.word}", f"{c.help}{f'   $ {c.cli}' if c.cli else ''}") for c in COMMANDS)),
        ("Keys", KEYS),
        ("What the names mean", GLOSSARY),
    )
    text = Text()
    needle = wanted.casefold()
    for title, rows in sections:
        found = [(name, meaning) for name, meaning in rows if needle in f"{name} {meaning}".casefold()]
        if found:
            text.append(f"{title}\n", style="bold")
            for name, meaning in found:
                text.append(f"  {name:<13}", style="cyan")
                text.append(f"{meaning}\n")
            text.append("\n")
    if not text.plain:
        text.append(f"Nothing here about “{wanted}”.", style="dim")
    return text
