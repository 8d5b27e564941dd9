"""UCXL screen: from version to version, to a moment, to what came of it, and how two versions differ."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from textual import work

from chorus_tui.client import EngineGone
from chorus_tui.commands.twins import line as twin
from chorus_tui.contract import ucxl
from chorus_tui.contract.models.ucxl import DiffContent, VersionRow
from chorus_tui.contract.problem import Problem
from chorus_tui.contract.ucxl import Temporal
from chorus_tui.widgets.dialogs import Ask
from chorus_tui.widgets.portal_screen import PortalScreen


class UcxlTravel(PortalScreen):
    """The actions; the screen has the keys."""

    def __init__(self) -> None:
        super().__init__()
        self.row: VersionRow | None = None
        """The version that is open."""
        self.history: list[VersionRow] = []
        """All versions of its place, oldest first."""

    open: Callable[[str], None]
    """The screen's own: show what an address means."""

    async def ask(self, operation: str, request: Any) -> Any:
        """The engine's answer. Raises :class:`Problem`, :class:`EngineGone`."""
        return await self.app.client.call(operation, request)  # type: ignore[attr-defined]

    def travel(self, n: int) -> None:
        """To the version with this number."""
        if self.row is not None:
            self.open(str(ucxl.parse(self.row.place).of(Temporal("version", n))))

    def action_step(self, step: int) -> None:
        """One version back or on; the ends are told."""
        row = self.row
        if row is None:
            return
        if 1 <= row.n + step <= len(self.history):
            self.travel(row.n + step)
        else:
            which = "first" if step < 0 else "latest"
            self.notify(f"Version {row.n} is the {which} one", severity="warning", markup=False)

    def action_latest(self) -> None:
        """The latest version."""
        if self.row is not None:
            self.open(self.row.place)

    def action_moment(self) -> None:
        """Ask for a moment."""
        row = self.row
        if row is None:
            return
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(row.at))

        def make(at: str) -> str:
            address = row.place.replace("/*^/", f"/@{at}/", 1)
            ucxl.parse(address)
            return address

        def go(_at: str | None) -> None:
            if box.made is not None:
                self.open(box.made)

        box = Ask("As it was at which moment?", placeholder="2030-01-31T12:00:00Z", value=now, make=make)
        self.app.push_screen(box, go)

    def action_hops(self) -> None:
        """What the mesh remembers of it: what it builds on, what was built on it."""
        if self.row is not None:
            self._tell_hops(self.row.place)

    @work(exclusive=True, group="hops", exit_on_error=False)
    async def _tell_hops(self, place: str) -> None:
        from chorus_tui.contract.models.slurp import ContextHops, ContextRef
        from chorus_tui.telling import context
        from chorus_tui.widgets.reader import Reader

        try:
            found = await self.ask("slurp.show", ContextRef(node_id=place))
        except (Problem, EngineGone) as error:
            self.notify(str(error), severity="warning", markup=False)
            return
        assert isinstance(found, ContextHops)
        lines = list(context.hops(found))
        data = "".join(f"{line}\n" for _, line in lines).encode()
        command = twin("slurp.show", node_id=place)
        self.app.push_screen(
            Reader("What it came from, and what came of it", command, lines, data, "hops.txt", "> FILE")
        )

    def action_diff(self) -> None:
        """Ask which version to compare with; the one before unless said."""
        row = self.row
        if row is None:
            return
        if len(self.history) < 2:
            self.notify("There is one version only: nothing to compare with", severity="warning", markup=False)
            return
        other = row.n - 1 if row.n > 1 else 2
        question = f"Compare version {row.n} with which? 1 to {len(self.history)}"

        def make(n: str) -> DiffContent:
            return DiffContent(address=row.address, against=row.place.replace("/*^/", f"/*~{n}/", 1))

        def compare(_n: str | None) -> None:
            if box.made is not None:
                self._compare(box.made)

        box = Ask(question, value=str(other), make=make)
        self.app.push_screen(box, compare)

    @work(exclusive=True, group="diff", exit_on_error=False)
    async def _compare(self, asked: DiffContent) -> None:
        try:
            found = await self.ask("ucxl.diff", asked)
        except (Problem, EngineGone) as error:
            self.app.report("They cannot be compared", str(error))  # type: ignore[attr-defined]
            return
        from chorus_tui.screens.ucxl_compare import Compare

        names = tuple(f"version {one.n}, {one.author_name}" for one in (found.before, found.after))
        command = twin("ucxl.diff", address=asked.address, against=asked.against)
        self.app.push_screen(Compare((names[0], names[1]), found.texts, found.lines, found.note, command))
