"""Blobs with a finding are held: known after a restart, released once, held again only for something new."""

from __future__ import annotations

import gzip
import lzma
import os
import threading
import time

import pytest
import trio

from chorus_tui.engine.journal.blobs.holding import Holding, Trace
from chorus_tui.engine.runtime.secrecy.operations import scanner_of
from chorus_tui.engine.shhh.redactor import Redactor

DIGEST = "sha256:" + "ab" * 32
FIRST, SECOND = Trace("a", "high", "@1", "11111111"), Trace("b", "high", "@9", "22222222")


class Scans:
    """A scan whose outcome a test sets."""

    def __init__(self, *traces):
        self.traces, self.times = traces, 0

    def __call__(self, _path):
        self.times += 1
        return ("it holds something" if self.traces else ""), tuple(self.traces)


def holding(folder, scan):
    made = Holding(folder / "held", lambda: 7.0)
    made.scan = scan
    return made


async def test_a_blob_is_scanned_once_and_a_finding_outlives_the_process(tmp_path):
    """The file that says so can be read by nobody else, and holds what was found."""
    scan = Scans(FIRST)
    one = holding(tmp_path, scan)
    assert await one.look(DIGEST, tmp_path)
    assert await one.look(DIGEST, tmp_path)
    assert scan.times == 1
    again = holding(tmp_path, scan)

    assert again.held(DIGEST)
    assert [(held.why, held.traces, held.since) for held in again.waiting()] == [("it holds something", (FIRST,), 7.0)]
    assert (tmp_path / "held" / ("ab" * 32)).stat().st_mode & 0o777 == 0o600


async def test_what_is_clean_is_not_held_until_new_rules_find_something(tmp_path):
    """A replay looks anew; a read does not."""
    scan = Scans()
    one = holding(tmp_path, scan)
    assert not await one.look(DIGEST, tmp_path)
    scan.traces = (FIRST,)
    assert not await one.look(DIGEST, tmp_path)
    assert await one.look(DIGEST, tmp_path, anew=True)


async def test_what_was_released_stays_free_but_for_something_new(tmp_path):
    """Also over a restart; a second release says that nothing is held."""
    scan = Scans(FIRST)
    one = holding(tmp_path, scan)
    await one.look(DIGEST, tmp_path)
    assert await one.release(DIGEST) is not None
    assert await one.release(DIGEST) is None
    again = holding(tmp_path, scan)
    assert not await again.look(DIGEST, tmp_path, anew=True)
    scan.traces = (FIRST, SECOND)
    assert await again.look(DIGEST, tmp_path, anew=True)


@pytest.mark.parametrize(
    "error", [ValueError("odd"), MemoryError(), RecursionError(), OSError(5, "Input/output error")]
)
async def test_what_cannot_be_looked_through_is_held(tmp_path, error):
    """Whatever the scan stumbles over: the blob waits for a person, and whoever put it there goes on."""

    def scan(_path):
        raise error

    one = holding(tmp_path, scan)
    assert await one.look(DIGEST, tmp_path)
    assert [held.why for held in one.waiting()] == ["it could not be looked through"]
    assert await one.release(DIGEST) is not None
    assert not await one.look(DIGEST, tmp_path, anew=True)


@pytest.mark.parametrize(
    ("data", "why"),
    [(lzma.compress(b"plain"), "an archive of a kind (xz)"), (gzip.compress(b"plain" * 9)[:20], "damaged")],
)
async def test_what_could_not_be_looked_at_whole_is_held_until_a_person_releases_it(tmp_path, data, why):
    """The real scan of a real file: nobody knows what is in it, so it does not count as clean; a person's word is enough."""
    file = tmp_path / "file"
    file.write_bytes(data)
    one = holding(tmp_path, scanner_of(Redactor()))
    assert await one.look(DIGEST, file)
    assert [(held.why.partition(":")[0], why in held.why) for held in one.waiting()] == [
        ("it could not be looked at whole", True)
    ]
    assert await one.release(DIGEST) is not None
    assert not await one.look(DIGEST, file, anew=True)


async def test_what_has_gone_is_not_held(tmp_path):
    """A blob that was removed while it waited for its scan is no file to ask a person about."""

    def scan(_path):
        raise FileNotFoundError(2, "No such file")

    one = holding(tmp_path, scan)
    with pytest.raises(FileNotFoundError):
        await one.look(DIGEST, tmp_path)

    assert one.waiting() == []


async def test_few_scans_run_at_once(tmp_path):
    """However many blobs wait: other work in threads goes on."""
    running, most, lock = 0, 0, threading.Lock()

    def scan(_path):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return "", ()

    one = holding(tmp_path, scan)
    async with trio.open_nursery() as nursery:
        for number in range(6):
            nursery.start_soon(one.look, f"sha256:{number:064x}", tmp_path)

    assert most <= 2


@pytest.mark.parametrize(
    "written", [b"", b'{"digest": "sha256:ab', b"[]", b"{}", b"\xff", b'{"traces": [{"rule": 1}]}', None]
)
async def test_a_blob_whose_finding_cannot_be_read_stays_held(tmp_path, written):
    """A torn file does not keep an engine from starting; a person may release it, and that is kept."""
    file = tmp_path / "held" / ("ab" * 32)
    file.parent.mkdir()
    file.mkdir() if written is None else file.write_bytes(written)
    one = holding(tmp_path, Scans(FIRST))

    assert await one.look(DIGEST, tmp_path)
    assert [(held.digest, held.why) for held in one.waiting()] == [(DIGEST, "what was found in it cannot be read")]
    if written is not None:
        await one.release(DIGEST)
        assert not holding(tmp_path, Scans()).held(DIGEST)


async def test_a_finding_is_synced_before_it_counts_and_holds_without_room(tmp_path, monkeypatch):
    """Written, flushed, synced, put in place; when the disk takes nothing, the blob is held all the same."""
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    await holding(tmp_path, Scans(FIRST)).look(DIGEST, tmp_path)
    assert len(synced) == 1
    full = holding(tmp_path / "file" / "none", Scans(FIRST))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="Not a directory"):
        await full.look(DIGEST, tmp_path)

    assert full.held(DIGEST)
