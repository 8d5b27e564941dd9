"""The tree of the ucxl screen: projects, agents, roles, tasks, paths; each level is asked for when it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.text import Text
from textual import work
from textual.message import Message
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from chorus_tui.contract import ucxl
from chorus_tui.contract.models import ucxl as models
from chorus_tui.widgets.plain import plain


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a node stands; ``place`` when content is right there."""

    under: tuple[str, ...]
    kind: str
    place: str = ""


class ContentTree(Tree[Spot]):
    """Lazily loaded; sends :class:`Opened` for what has content."""

    class Opened(Message):
        """Content was chosen."""

        def __init__(self, place: str) -> None:
            super().__init__()
            self.place = place

    def __init__(self) -> None:
        super().__init__("contents", Spot((), ""), id="tree")
        self.show_root = False
        self.guide_depth = 2
        self._wanted: list[tuple[str, ...]] | None = None
        """Where the places are that fit the filter; None without one."""

    def on_mount(self) -> None:
        self.root.expand()

    @work(exclusive=True, group="tree", exit_on_error=False)
    async def look_again(self) -> None:
        """Whatever is open is asked for again: what came is added, what went is taken away."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop(0)
            await self._fill(node)
            for child in node.children:
                if self._wanted is not None and child.allow_expand:
                    child.expand()
            waiting += [child for child in node.children if child.is_expanded]

    def narrow(self, text: str) -> int:
        """Show only places whose address holds ``text``; how many are hidden by that."""
        places: dict[str, models.PlaceRow] = self.app.store.places  # type: ignore[attr-defined]
        found = [place for place in places if text.casefold() in place.casefold()]
        self._wanted = [_parts(place) for place in found] if text else None
        self.look_again()
        return len(places) - len(found)

    def _fits(self, under: tuple[str, ...]) -> bool:
        return self._wanted is None or any(parts[: len(under)] == under for parts in self._wanted)

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Spot]) -> None:
        """A level is opened."""
        event.stop()
        if event.node is not self.root:
            self._open(event.node)

    @work(exit_on_error=False)
    async def _open(self, node: TreeNode[Spot]) -> None:
        await self._fill(node)
        # A level with one way on is no choice.
        if len(node.children) == 1 and node.children[0].allow_expand:
            node.children[0].expand()

    async def _fill(self, node: TreeNode[Spot]) -> None:
        assert node.data is not None
        request = models.ReadTree(under=list(node.data.under))
        answer: Any = await self.app.call_quietly("ucxl.tree", request)  # type: ignore[attr-defined]
        if not isinstance(answer, models.Tree):
            return
        wanted = {(child.name, bool(child.place)): child for child in _sides(answer.children)}
        wanted = {key: child for key, child in wanted.items() if self._fits((*node.data.under, child.name))}
        for child in list(node.children):
            spot = child.data
            assert spot is not None
            if wanted.pop((spot.under[-1], bool(spot.place)), None) is None:
                child.remove()
        for found in wanted.values():
            self._add(node, found)

    def _add(self, node: TreeNode[Spot], found: models.TreeNode) -> None:
        """In the order of names; content before what is below a path of the same name."""
        assert node.data is not None
        spot = Spot((*node.data.under, found.name), found.kind, found.place)
        later = [child for child in node.children if child.data is not None and _order(child.data) > _order(spot)]
        label = Text(plain(found.name))
        if found.kind in ("agent", "role", "task"):
            label.append(f" {found.kind}", style="dim")
        node.add(label, spot, before=later[0] if later else None, allow_expand=not found.place)

    def on_tree_node_selected(self, event: Tree.NodeSelected[Spot]) -> None:
        """Enter on content opens it; on a level it opens or closes by itself."""
        event.stop()
        if event.node.data is not None and event.node.data.place:
            self.post_message(self.Opened(event.node.data.place))


def _parts(place: str) -> tuple[str, ...]:
    """The way to it from the root of the tree."""
    address = ucxl.parse(place)
    return (address.project, address.agent, address.role, address.task, *address.path.split("/"))


def _order(spot: Spot) -> tuple[str, bool]:
    return (spot.under[-1], not spot.place)


def _sides(children: list[models.TreeNode]) -> list[models.TreeNode]:
    """What has content and something below it too is two nodes: one to read, one to open."""
    found = []
    for child in children:
        if child.place:
            found.append(child)
        if child.places > bool(child.place):
            found.append(child.model_copy(update={"place": ""}))
    return found
