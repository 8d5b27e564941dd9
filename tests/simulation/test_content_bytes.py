"""The bytes of a version, from real files: read when they are what it names, fetched anew when they are damaged here."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from chorus_tui.contract.models import ucxl as models
from chorus_tui.engine.ucxl import search
from chorus_tui.engine.ucxl.fetching import Fetching, digest_of
from chorus_tui.engine.ucxl.interface import Unavailable, Unprocessable, Version
from tests.simulation.engines import until
from tests.simulation.library import PLACE, library
from tests.simulation.test_blobs import DATA, DIGEST, Shelf, shelf

TEXT = b"a plan"


def version(digest: str, size: int) -> Version:
    return Version(PLACE, 1, True, "e" * 64, "ana", 0, digest, size, "text/plain", (), (), (), False, "", (), 0)


def fetching(peers: Shelf, peer: int) -> Fetching:
    parts: Any = SimpleNamespace(blobs=peers.peers[peer], fallback=None, control=SimpleNamespace(name=str))
    return Fetching(parts)


@pytest.mark.parametrize("spoilt", [b"A plan", b"a", b"a plan and more", b""])
async def test_what_is_damaged_here_is_fetched_anew_once(tmp_path: Path, spoilt: bytes) -> None:
    """With other bytes, fewer or more; where no other has it, it is said to be missing."""
    async with shelf(tmp_path, 2) as peers:
        for peer in peers.peers:
            await peer.put_bytes(TEXT)
        named = version(digest_of(TEXT), len(TEXT))
        peers.file(0, named.digest).write_bytes(spoilt)

        assert await fetching(peers, 0).held(named) is None
        assert await fetching(peers, 0).stored(named) == TEXT
        assert peers.file(0, named.digest).read_bytes() == TEXT
        for peer in (0, 1):
            peers.file(peer, named.digest).write_bytes(spoilt)
        with pytest.raises(Unavailable, match="Nobody in reach"):
            await fetching(peers, 0).stored(named)


async def test_bytes_of_another_number_than_is_said_are_neither_fetched_nor_read(tmp_path: Path) -> None:
    """A version that names a big blob as a small one: from elsewhere it does not come, and what is here is not opened."""
    async with shelf(tmp_path, 2) as peers:
        await peers.peers[1].put_bytes(DATA)
        lie = version(DIGEST, 1)
        with pytest.raises(Unavailable):
            await fetching(peers, 0).stored(lie)

        assert not peers.peers[0].has(DIGEST)
        with patch.object(Path, "read_bytes", side_effect=AssertionError("read")):
            assert await fetching(peers, 1).held(lie) is None
            with pytest.raises(Unprocessable, match="another number"):
                await fetching(peers, 1).stored(lie)
        assert peers.peers[1].has(DIGEST)


async def test_a_search_charges_what_it_reads(autojump_clock, tmp_path):
    """Sizes that somebody says of bytes that are not here, or are others, leave nothing out of it."""
    async with library(16, tmp_path, "a") as made:
        await made.write("a", "the plan is here")
        peer, held = made.at.peers["a"], made.versions("a")[0].digest
        for number, digest in enumerate([held, "sha256:" + "0" * 64]):
            place = PLACE.replace("plan.md", f"other{number}.md")
            await peer.journal.say("ucxl_version", {"place": place, "digest": digest, "size": 60})
        await until("told", lambda: len(made.services["a"].book.places()) == 3)
        with patch.object(search, "MOST_BYTES", 100):
            found = await made.ask("a", "search", models.SearchContent(text="plan"))

        assert [hit.row.place for hit in found.hits] == [PLACE]
        assert found.cut == "2 whose bytes are not here"
