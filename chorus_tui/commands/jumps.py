"""Ways to a place in the portal from anywhere: what the ``:`` prompt, the palette and one screen about another ask for."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from chorus_tui.commands.in_order import InOrder
from chorus_tui.commands.table import COMMANDS, parse

if TYPE_CHECKING:
    from pydantic import BaseModel

    from chorus_tui.contract.models.peers import ConnectPeer
    from chorus_tui.widgets.box import Box


MOST_TYPED = 100
"""Lines of the prompt that are remembered, as long as the portal is open."""


class Jumps(InOrder):
    """The app's actions that go somewhere and do something there."""

    opening = ""
    """What the next screen that is shown is to open, by its id."""
    client: Any = None

    def __init__(self) -> None:
        super().__init__()
        self._typed: deque[str] = deque(maxlen=MOST_TYPED)

    if TYPE_CHECKING:  # the app itself has these; there is no jump without one

        async def action_show(self, mode: str) -> None:
            """Switch to a screen."""

        def ask_engine(self, operation: str, request: BaseModel, done: str, box: Box[Any] | None = None) -> Any:
            """Do something for the person: say that it is done, or why not, in the box that asked if there is one."""

    async def action_announce(self) -> None:
        """The form, on the tasks screen."""
        await self._on("tasks", "announce")

    async def action_propose(self) -> None:
        """The form, on the decide screen."""
        await self._on("decide", "propose")

    async def action_new_patch(self) -> None:
        """The wizard, on the patch screen."""
        await self._on("patch", "new")

    async def action_connect(self) -> None:
        """The question for an address, on the peers screen."""
        await self._on("peers", "connect")

    async def _on(self, mode: str, action: str) -> None:
        """An action of another screen, unless that one does not offer it."""
        await self.action_show(mode)
        if self.screen.check_action(action, ()):
            await self.screen.run_action(action)
        else:
            self.notify("This portal is read only", severity="warning")

    async def action_patch(self, patch_id: str) -> None:
        """One patch, on its screen."""
        await self.action_show("patch")
        self.screen.find(patch_id)  # type: ignore[attr-defined]

    async def action_follow_vote(self, entry: str) -> None:
        """A decision, on the decide screen."""
        await self.action_show("decide")
        self.screen.find(entry)  # type: ignore[attr-defined]

    async def action_address(self, address: str) -> None:
        """What an address means, on the ucxl screen."""
        from chorus_tui.screens.ucxl import UcxlScreen

        await self.action_show("ucxl")
        if isinstance(self.screen, UcxlScreen):
            self.screen.open(address)

    def action_prompt(self) -> None:
        """The ``:`` prompt."""
        from chorus_tui.widgets.dialogs import Prompt

        if self.client is not None:
            words = [command.word for command in COMMANDS]
            box = Prompt(words, list(self._typed), _checked)
            box.bring = partial(self._bring_line, box)
            self.push_screen(box, self._prompted)

    def _bring_line(self, box: Box[str], line: str) -> None:
        """What the engine may refuse is asked for while the line can still be mended."""
        request = _dialled(line)
        if request is not None:
            self.ask_engine("peers.connect", request, f"Connected to {request.address}", box)
        else:
            box.settle("")

    async def _prompted(self, line: str | None) -> None:
        if not line:
            return
        if line not in list(self._typed)[-1:]:
            self._typed.append(line)
        command, rest = parse(line)
        if command is None or _dialled(line) is not None:
            return
        if command.word == "collab" and rest:
            self.opening = rest
            await self.action_show("collab")
        elif command.word == "decide" and rest == "new":
            await self.action_propose()
        elif command.word == "patch" and rest:
            await (self.action_new_patch() if rest == "new" else self.action_patch(rest))
        elif command.word == "ucxl" and rest:
            await self.action_address(rest)
        else:
            await self.run_action(command.action)


def _checked(line: str) -> str:
    """The line. Raises ``ValueError`` for no command, and for an address that none can be: the line stays, to be mended."""
    command, _ = parse(line)
    if command is None:
        raise ValueError(f"No command {line!r}; 1 shows them all")
    _dialled(line)
    return line


def _dialled(line: str) -> ConnectPeer | None:
    """The request of ``connect ADDRESS``; None for any other line."""
    from chorus_tui.contract.models.peers import ConnectPeer

    command, rest = parse(line)
    return ConnectPeer(address=rest) if command is not None and command.word == "connect" and rest else None
