"""The table of doors is whole: no module has a way out that is not in it, and every door that redacts is really built."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import chorus_tui
from chorus_tui.contract.operations import BY_NAME as OPERATIONS
from chorus_tui.contract.operations import Scope
from chorus_tui.engine.runtime.secrecy.guarding import UNJUDGED
from chorus_tui.engine.shhh import doors
from tests.support.outlets import outlets

RUNTIME = Path(chorus_tui.__file__).parent / "engine" / "runtime"
CONSTANTS = {name: value for name, value in vars(doors).items() if name.isupper() and isinstance(value, str)}


def test_every_way_out_stands_at_a_door():
    """A module that writes a file, sends on a stream, asks a provider or starts a process is named in one row, and only in one."""
    named = [module for door in doors.DOORS for module in door.modules]

    assert sorted(set(outlets()) - set(named)) == [], (
        "add these to a row of engine/shhh/doors.py, and see that the row is true"
    )
    assert sorted(set(named) - set(outlets())) == [], "these have no way out any more"
    assert len(named) == len(set(named))


def test_a_new_way_out_is_seen(tmp_path, monkeypatch):
    """The look at the code finds each kind of way out, so that the test above can fail."""
    for number, line in enumerate((
        "path.write_text(x)", "path.open('wb')", "os.open(p, os.O_CREAT)", "self._mesh.publish(t, x)", "await stream.send(x)",
        "trio.run_process([x])", "self._client.post(u, json=x)", "web.Response(text=x)", "connection.execute(q)",
        "self._answer.write(x)", "create_private(p, x)",
    )):  # fmt: skip
        (tmp_path / f"new{number}.py").write_text(f"async def f():\n    return {line.removeprefix('await ')}\n")
    monkeypatch.setattr("tests.support.outlets.ENGINE", tmp_path)

    assert len(outlets()) == 11


@pytest.mark.parametrize("door", [door.name for door in doors.DOORS if door.how == "redacted"])
def test_every_door_that_redacts_is_built(door):
    """The runtime makes a redactor for it; its name is one of the table's constants."""
    (constant,) = [name for name, value in CONSTANTS.items() if value == door]
    used = {
        node.attr
        for path in (*RUNTIME.rglob("*.py"), RUNTIME.parent / "__main__.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "doors"
    }

    assert constant in used


def test_every_operation_goes_through_the_guard():
    """The API is given guarded handlers and no others; what is exempt exists and says why in the table."""
    text = (RUNTIME / "serve.py").read_text()

    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    (server,) = [call for call in calls if ast.unparse(call.func) == "ApiServer"]
    given = server.args[0]
    assert isinstance(given, ast.Call) and ast.unparse(given.func) == "guarded"
    assert "handlers.all()" in ast.unparse(given.args[0])
    assert ast.unparse(given.args[1]) == "engine.redactor.at(doors.ANSWER)"
    assert text.count("handlers.all()") == 1
    assert set(OPERATIONS) >= doors.REVEALING | UNJUDGED


def test_what_is_given_as_it_is_takes_more_than_reading():
    """What a member with another client could have put a secret in is the admin's; of what a reader gets the engine has looked at
    every byte itself, and holds what has a secret."""
    for_readers = {name for name in doors.REVEALING if OPERATIONS[name].scope is Scope.READ}

    assert for_readers == {"blobs.read", "patches.diff"}
    assert {OPERATIONS[name].scope for name in ("journal.export", "ucxl.stored")} == {Scope.ADMIN}


def test_nothing_in_the_runtime_redacts_without_a_door():
    """A finding is noted at the door where it was made, so nobody uses the bare redactor."""
    for path in RUNTIME.glob("*.py"):
        assert "redactor.text" not in path.read_text(), path
        assert "redactor.value" not in path.read_text(), path
