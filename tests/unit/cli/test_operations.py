"""What can be asked of an engine can be asked by a command: the list of operations beside the code of the command line."""

from __future__ import annotations

import ast
from pathlib import Path

from chorus_tui.cli.main import COMMANDS
from chorus_tui.contract.operations import BY_NAME

ROOT = Path(__file__).parents[3]
ROOMS = ("chorus_tui.cli", "chorus_tui.client")
"""Commands, and what they ask with: a file is brought and fetched in pieces by the client."""
WITHOUT = {
    "collab.leave": "what a command joins is left 30 s after its last word, by itself",
    "collab.presence": "a command has no cursor",
    "collab.sync": "a command holds no copy of a text: it edits the engine's",
    "hmmm.preview": "shows what is being typed as others will read it, while it can still be changed",
    "hmmm.save_template": "templates fill the fields of the box in which a message is written",
    "hmmm.templates": "as above",
    "patches.preview": "as hmmm.preview: of a diff that is about to be a patch",
}
"""Operations without a command, and why they have none."""
PORTAL = {"chorus_tui.cli.main", "chorus_tui.cli.conversation"}
"""What opens the portal, which asks for itself."""


def tree_of(module: str) -> ast.Module | None:
    """The source of one module or package of ours; None when it is neither."""
    path = ROOT / module.replace(".", "/")
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return ast.parse(file.read_text(encoding="utf-8"))
    return None


def imported(tree: ast.Module) -> set[str]:
    """Modules of the two rooms that it may import, wherever in it."""
    found = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return {name for name in found if name.startswith(ROOMS)}


def asked(tree: ast.Module) -> set[str]:
    """Operations by whose names something is called here."""
    given = {
        word.value
        for call in ast.walk(tree) if isinstance(call, ast.Call)
        for argument in (*call.args, *(one.value for one in call.keywords))
        for word in ast.walk(argument) if isinstance(word, ast.Constant) and isinstance(word.value, str)
    }  # fmt: skip
    return given & set(BY_NAME)


def asked_by_commands() -> set[str]:
    """From the modules of the table of commands on, through what they import. What only the portal asks is not among it."""
    found, seen = set[str](), set[str]()
    todo = [place.partition(":")[0] for place, _ in COMMANDS.values()]
    while todo:
        module = todo.pop()
        tree = tree_of(module) if module not in seen | PORTAL else None
        seen.add(module)
        if tree is not None:
            found |= asked(tree)
            todo += imported(tree)
    return found


def test_every_operation_has_a_command():
    """Or stands in the list of those without, with a reason; one that got a command leaves that list."""
    assert set(BY_NAME) - asked_by_commands() == set(WITHOUT)


def test_an_operation_counts_where_it_is_asked_for():
    """A name in a text, or in a table that nothing calls with, is no command; one in a call is, also where a condition picks it."""
    tree = ast.parse(
        '"""Of peers.block."""\nTABLE = {"peers.list"}\nask("tasks.claim" if by_hand else "tasks.retry", of=1)\n'
    )

    assert asked(tree) == {"tasks.claim", "tasks.retry"}
