"""What the browser portal lets in, and that an invitation opens once."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui import portals
from chorus_tui.contract.models.portals import ServedPortal
from chorus_tui.portals import Invitations, present
from chorus_tui.serve.register import Register
from chorus_tui.serve.web import rules
from chorus_tui.serve.web.visits import Visits

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.text() | JSON.map(json.dumps))
def test_whatever_a_browser_sends_is_read_or_passed_over(text: str) -> None:
    """No message ends the server; sizes stay within what can be had; keys can be sent on as UTF-8."""
    said = rules.read(text)
    if said is not None and said.kind == "size":
        assert 10 <= said.size[0] <= 500
        assert 4 <= said.size[1] <= 300
    if said is not None:
        said.text.encode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('["stdin", "q"]', rules.Said("keys", text="q")),
        ('["stdin", "\\ud800"]', rules.Said("keys", text="?")),
        ('["resize", {"width": 100, "height": 30}]', rules.Said("size", size=(100, 30))),
        ('["resize", {"width": 1e9, "height": -1}]', rules.Said("size", size=(80, 4))),
        ('["resize", {}]', rules.Said("size", size=(80, 24))),
        ('["ping", 7]', rules.Said("ping", ping=7)),
        ('["stdin", 7]', None),
        ("[" * 100_000, None),
    ],
)
def test_messages_of_the_script_are_understood(text: str, said: rules.Said | None) -> None:
    """Those it sends, and none else."""
    assert rules.read(text) == said


@pytest.mark.parametrize(
    ("host", "origin", "wanted", "passes"),
    [
        ("127.0.0.1:8090", None, False, True),
        ("127.0.0.1:8090", None, True, False),
        ("127.0.0.1:8090", "http://127.0.0.1:8090", True, True),
        ("127.0.0.1:8090", "http://127.0.0.1:8091", True, False),
        ("127.0.0.1:8090", "null", True, False),
        ("localhost:8090", "http://localhost:8090", True, True),
        ("portal.example:8090", "http://portal.example:8090", True, True),
        ("evil.example:8090", "http://evil.example:8090", True, False),
        (None, None, False, False),
    ],
)
def test_only_pages_of_this_host_may_ask(host: str | None, origin: str | None, wanted: bool, passes: bool) -> None:
    """A name that a foreign page rebinds, or its Origin, is refused."""
    assert (rules.refused(host, origin, frozenset({"portal.example"}), wanted=wanted) == "") is passes


@pytest.mark.parametrize(("url", "passes"), [
    ("https://a.example", True), ("HTTP://a.example", True), ("javascript:alert(1)", False), ("file:///etc/passwd", False), (7, False),
])  # fmt: skip
def test_only_pages_of_the_web_are_opened(url: object, passes: bool) -> None:
    """Nothing that runs, no file."""
    assert rules.may_open(url) is passes


def test_an_invitation_opens_once_among_many_who_try(tmp_path: Path) -> None:
    """Twenty at the same moment: one gets in. No file holds the secret."""
    invitations = Invitations(tmp_path, os.getpid())
    secret = invitations.make("ana")
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    kept = "".join(path.read_text() + path.name for path in written)
    modes = {path.stat().st_mode & 0o777 for path in written}
    found: list[str | None] = []
    tries = [threading.Thread(target=lambda: found.append(invitations.take(secret))) for _ in range(20)]
    for one in tries:
        one.start()
    for one in tries:
        one.join()

    assert [person for person in found if person is not None] == ["ana"]
    assert secret not in kept
    assert modes == {0o600}


def test_an_invitation_is_for_one_portal_and_for_ten_minutes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process, which may serve with more scope, does not take it; nor does its own when it is too old."""
    secret = Invitations(tmp_path, 1).make()

    assert Invitations(tmp_path, 2).take(secret) is None
    monkeypatch.setattr(portals, "INVITED_S", -1.0)
    assert Invitations(tmp_path, 1).take(secret) is None
    assert not list((tmp_path / "portals" / "invitations").iterdir())


def test_a_visit_ends_at_its_time(tmp_path: Path) -> None:
    """The cookie holds until then; another one never."""
    now = [0.0]
    invitations = Invitations(tmp_path, 1)
    visits = Visits(invitations, 100.0, lambda: now[0])
    cookie = visits.begin(invitations.make("ana"))
    assert cookie is not None

    assert visits.find(cookie) is not None
    assert visits.find(cookie + "x") is None
    assert visits.find("") is None
    now[0] = 100.0
    assert visits.find(cookie) is None


def test_what_a_killed_process_left_is_passed_over(tmp_path: Path) -> None:
    """A register file whose pid is gone, or belongs to a program that is not ours, tells of nothing."""
    gone = ServedPortal(kind="web", pid=2**22 + 1, address="http://127.0.0.1:1", since=1.0)
    Register(tmp_path).tell(gone)
    Register(tmp_path).tell(gone.model_copy(update={"pid": 1}))
    (tmp_path / "portals" / "web-7.json").write_text("{")

    assert present(tmp_path) == []
