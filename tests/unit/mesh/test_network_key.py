"""Which network key holds, and in which forms people may give one."""

from __future__ import annotations

import base64
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.mesh.network_key import (
    FILE_NAME,
    SWARM_HEADER,
    NetworkKey,
    NetworkKeyError,
    choose,
    invitation_note,
    parse,
    to_text,
    user_key,
)

keys = st.binary(min_size=32, max_size=32)


@given(keys)
def test_every_form_gives_the_same_key(key):
    """Hex, base64 with and without padding, URL-safe base64 and both swarm.key forms are one key."""
    standard, safe = base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode()
    forms = [to_text(key), key.hex().upper(), standard, standard.rstrip("="), safe, f"  {standard}\n"]
    forms += [f"{SWARM_HEADER}\n/base16/\n{key.hex()}\n", f"{SWARM_HEADER}\n/base64/\n{standard}"]

    assert {parse(form) for form in forms} == {key}


@given(st.text(max_size=100))
def test_other_texts_are_refused_without_being_repeated(text):
    """Whatever is no key is an error for people that does not show what was given."""
    key, said = None, ""
    try:
        key = parse(text)
    except NetworkKeyError as error:
        said = str(error)

    assert (key is None) == bool(said)
    assert key is None or len(key) == 32
    assert len(text) < 12 or text not in said


@pytest.mark.parametrize("text", [f"{SWARM_HEADER}\n/base16/\nabc", f"{SWARM_HEADER}\n/bin/\n{'0' * 64}", SWARM_HEADER])
def test_a_broken_swarm_key_says_what_is_wanted(text):
    """A swarm.key file that lacks a line, a known form or 32 bytes is refused."""
    with pytest.raises(NetworkKeyError, match=r"swarm\.key"):
        parse(text)


def test_modes(tmp_path):
    """A set key opens the network, the user's own and `open` keep it on loopback, and nothing else is taken."""
    own = user_key(tmp_path)

    assert choose("00" * 32, folder=tmp_path) == NetworkKey("key", bytes(32), loopback_only=False)
    assert choose(None, folder=tmp_path) == choose(" ", folder=tmp_path)
    assert choose(None, folder=tmp_path) == NetworkKey("user-key", own, loopback_only=True)
    assert choose("open", folder=tmp_path) == NetworkKey("open", None, loopback_only=True)


def test_the_user_key_is_private_and_made_once(tmp_path):
    """The file has mode 0600, a second reading gives the same key, and no other file stays behind."""
    first = user_key(tmp_path / "new")

    assert user_key(tmp_path / "new") == first
    assert (tmp_path / "new" / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert [p.name for p in (tmp_path / "new").iterdir()] == [FILE_NAME]


def test_many_that_start_at_once_share_one_key(tmp_path):
    """Of sixteen threads that find no file all end with the same key."""
    found: list[bytes] = []
    gate = threading.Barrier(16)

    def start():
        gate.wait()
        found.append(user_key(tmp_path))

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(found), len(set(found))) == (16, 1)


@pytest.mark.parametrize(("mode", "text", "reason"), [(0o644, "00" * 32, "chmod 600"), (0o600, "rubbish", "Remove it")])
def test_a_bad_key_file_is_refused(tmp_path, mode, text, reason):
    """A key file others can read, or that holds no key, is an error that names the way out."""
    (tmp_path / FILE_NAME).write_text(text)
    (tmp_path / FILE_NAME).chmod(mode)
    with pytest.raises(NetworkKeyError, match=reason):
        user_key(tmp_path)


@pytest.mark.parametrize(
    ("loopback_only", "port", "told"),
    [
        (False, 9000, set()),
        (False, 0, {"CHORUS_P2P_PORT"}),
        (True, 9000, {"CHORUS_NETWORK_KEY"}),
        (True, 0, {"CHORUS_NETWORK_KEY", "CHORUS_P2P_PORT"}),
    ],
)
def test_an_invitation_says_what_it_is_not_good_for(loopback_only, port, told):
    """A port that changes with each start, a peer that only this machine reaches: with the variable that mends it, else nothing."""
    note = invitation_note(NetworkKey("key", bytes(32), loopback_only=loopback_only), port)

    assert {word for word in ("CHORUS_P2P_PORT", "CHORUS_NETWORK_KEY") if word in note} == told
    assert bool(note) == bool(told)
