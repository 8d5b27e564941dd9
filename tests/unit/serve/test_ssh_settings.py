"""The SSH portal's files and settings: private, checked, and told about in words."""

from __future__ import annotations

import threading

import pytest

from chorus_tui.contract.variables import VARIABLES
from chorus_tui.serve import settings
from chorus_tui.serve.ssh import hostkey
from chorus_tui.serve.ssh.command import limits
from chorus_tui.serve.ssh.keys import KeyFile, KeysUnusable
from chorus_tui.serve.ssh.places import key_file
from chorus_tui.serve.ssh.terminal import Environment, terminal
from tests.unit.serve.test_ssh_authorized import ed25519

LINE = f'person="ana" {ed25519(1)}\n'


def test_every_setting_has_its_effect(tmp_path):
    """Each variable of the SSH portal arrives where it works; unset, its default does."""
    numbers = {"SESSIONS": "3", "SESSIONS_PER_KEY": "2", "SESSIONS_PER_ADDRESS": "1", "IDLE_S": "60"}
    given = limits({f"CHORUS_SSH_{name}": value for name, value in numbers.items()})
    unset = limits({})

    assert (given.sessions, given.a_key, given.an_address, given.idle_s) == (3, 2, 1, 60.0)
    assert (unset.sessions, unset.a_key, unset.an_address, unset.idle_s) == (40, 8, 24, 3600.0)
    assert key_file(tmp_path, {"CHORUS_SSH_KEYS": "/etc/keys"}).as_posix() == "/etc/keys"
    assert key_file(tmp_path, {}) == tmp_path / "ssh" / "authorized_keys"
    assert settings.text("CHORUS_SSH_HOST", {"CHORUS_SSH_HOST": "::1"}) == "::1"
    assert settings.number("CHORUS_SSH_PORT", {}) == 2222
    named = {v.name for v in VARIABLES if v.name.startswith("CHORUS_SSH_")}
    assert named == {
        "CHORUS_SSH_HOST",
        "CHORUS_SSH_PORT",
        "CHORUS_SSH_KEYS",
        *(f"CHORUS_SSH_{name}" for name in numbers),
    }


@pytest.mark.parametrize("value", ["x", "-1", "70000", "1.5", "٣", "9" * 400])
def test_a_wrong_number_names_its_variable(value):
    """A value that is none, or out of its bounds, is refused with the variable's name."""
    with pytest.raises(settings.BadSetting, match="CHORUS_SSH_PORT"):
        settings.number("CHORUS_SSH_PORT", {"CHORUS_SSH_PORT": value})


def test_a_value_can_come_from_a_file_but_not_twice(tmp_path):
    """``NAME_FILE`` works as for an engine; both at once, or a file that is none, are faults that name it."""
    (tmp_path / "port").write_text("2300\n")
    by_file = {"CHORUS_SSH_PORT_FILE": str(tmp_path / "port")}

    assert settings.number("CHORUS_SSH_PORT", by_file) == 2300
    for wrong in ({**by_file, "CHORUS_SSH_PORT": "1"}, {"CHORUS_SSH_PORT_FILE": "/nowhere"}):
        with pytest.raises(settings.BadSetting, match="_FILE"):
            settings.number("CHORUS_SSH_PORT", wrong)


# ── the file of keys ───────────────────────────────────────────────────────────────────────────────────────────────


def test_keys_are_read_anew_when_the_file_changed(tmp_path):
    """A key counts from the moment it stands in the file, and no longer than it does; a file that is not there opens nothing."""
    file = KeyFile(tmp_path / "keys")
    assert file.now().keys == () and not file.trouble
    file.edit(lambda text: (text + LINE, None))
    (key,) = file.now().keys
    assert file.find(key.blob) == key
    file.edit(lambda text: (text.replace(LINE, ""), None))

    assert file.find(key.blob) is None
    assert file.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o660, 0o606, 0o666])
def test_a_file_that_others_can_write_opens_nothing(tmp_path, mode):
    """Whoever can write it could let himself in as anybody: no key of it holds, and the way out is told."""
    file = KeyFile(tmp_path / "keys")
    file.edit(lambda text: (text + LINE, None))
    assert file.now().keys
    file.path.chmod(mode)

    assert file.now().keys == ()
    assert "chmod 600" in file.trouble
    with pytest.raises(KeysUnusable):
        file.edit(lambda text: (text, None))
    file.path.chmod(0o600)
    assert file.now().keys and not file.trouble


def test_a_failed_edit_changes_nothing(tmp_path):
    """An edit that is refused leaves the file byte for byte, and nothing beside it."""
    file = KeyFile(tmp_path / "keys")
    file.edit(lambda text: (text + LINE, None))
    before = file.path.read_bytes()

    def refuse(_text):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        file.edit(refuse)
    assert file.path.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".keys.lock", "keys"]


def test_edits_at_once_lose_nothing(tmp_path):
    """Of several that edit at the same time each one's line is there afterwards."""
    path = tmp_path / "keys"
    work = [
        threading.Thread(
            target=KeyFile(path).edit, args=(lambda text, n=n: (f'{text}person="p" {ed25519(n)}\n', None),)
        )
        for n in range(8)
    ]
    for one in work:
        one.start()
    for one in work:
        one.join()

    assert len(KeyFile(path).now().keys) == 8


# ── the host key ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_host_key_is_made_once_and_private(tmp_path):
    """The first start makes it, 0600; the second has the same one."""
    path = tmp_path / "ssh" / "host_key"
    first, second = hostkey.load_or_make(path), hostkey.load_or_make(path)

    assert hostkey.identity(first) == hostkey.identity(second)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["host_key"]


@pytest.mark.parametrize("spoil", ["open to others", "damaged", "a link"])
def test_a_host_key_that_cannot_be_trusted_is_refused(tmp_path, spoil):
    """One that others could have read, that is damaged, or that lies elsewhere is refused with words, never replaced."""
    path = tmp_path / "host_key"
    hostkey.load_or_make(path)
    if spoil == "open to others":
        path.chmod(0o644)
    elif spoil == "damaged":
        path.write_text("no key")
    else:
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    before = path.read_bytes()

    with pytest.raises(hostkey.HostKeyUnusable, match="host_key"):
        hostkey.load_or_make(path)
    assert path.read_bytes() == before


# ── the client's terminal ──────────────────────────────────────────────────────────────────────────────────────────


def test_only_four_names_of_an_environment_are_kept():
    """Whatever else a client sends, however much of it, leaves nothing behind; a value is short and printable."""
    told = Environment()
    for number in range(10_000):
        told[f"LD_PRELOAD{number}".encode()] = b"x"
    told[b"LANG"] = b"C" * 65
    told[b"COLORTERM"] = b"true\x1b[2Jcolor\xff"
    told[b"TERM"] = b"xterm"

    assert told.text() == {"COLORTERM": "true[2Jcolor\ufffd", "TERM": "xterm"}


@pytest.mark.parametrize(
    ("kind", "told", "colours", "monochrome"),
    [
        ("xterm-256color", {"COLORTERM": "truecolor"}, "truecolor", False),
        ("xterm-kitty", {}, "truecolor", False),
        ("tmux-direct", {}, "truecolor", False),
        ("screen-256color", {}, "256", False),
        ("xterm", {}, "standard", False),
        ("xterm-256color", {"NO_COLOR": "1"}, "256", True),
        ("vt100", {}, "standard", True),
        ("\x1b]0;x\x07", {}, "standard", False),
        ("", {}, "standard", False),
    ],
)  # fmt: skip
def test_colours_are_those_of_the_client(kind, told, colours, monochrome):
    """By what it sends, or by the name of its type, never by the server's own terminal."""
    found = terminal(kind, told)

    assert (found.colours, found.monochrome) == (colours, monochrome)
    assert found.kind.isprintable() and found.kind
