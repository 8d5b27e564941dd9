"""The page on limits says what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from chorus_tui.engine.mesh import address_book, interface, keeper, limits, rules
from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.mesh.hardening import floods, pubsub, yamux
from chorus_tui.engine.runtime import crash_report

PAGE = " ".join((Path(__file__).parents[3] / "docs" / "limits.md").read_text().split())
KIB, MIB = 1024, 1024 * 1024


@pytest.mark.parametrize(
    "said",
    [
        f"| connections in all | {MeshConfig(Path()).max_connections} |",
        f"| unfinished handshakes, all addresses | {limits.HANDSHAKES_AT_ONCE} |",
        f"| unfinished handshakes, one address | {limits.HANDSHAKES_PER_ADDRESS} |",
        f"| {limits.FAILED_HANDSHAKES_PER_SECOND:g} a second, {60 * limits.FAILED_HANDSHAKES_PER_SECOND:g} at once | the address",
        f"| a word of the agreement on a protocol | {floods.WORDS // KIB} KiB |",
        f"| {limits.STREAMS_PER_PEER} of our protocols, {limits.INBOUND_STREAMS} of all |",
        f"| streams opened | {limits.STREAMS_PER_SECOND:g} a second, {10 * limits.STREAMS_PER_SECOND:g} at once |",
        f"| a frame of a stream | {interface.MAX_FRAME // MIB} MiB,",
        f"| bytes of a stream that nobody has read | {floods.WINDOW // KIB} KiB |",
        f"| frames of the multiplexer | {limits.FRAMES_PER_SECOND:g} a second, {4 * limits.FRAMES_PER_SECOND:g} at once |",
        f"| gossip messages | {limits.MESSAGES_PER_SECOND:g} a second, {4 * limits.MESSAGES_PER_SECOND:g} at once |",
        f"| {limits.STRANGERS_PER_SECOND:g} a second, {4 * limits.STRANGERS_PER_SECOND:g} at once | dropped |",
        f"| {limits.BYTES_PER_SECOND / MIB:g} MiB a second, {4 * limits.BYTES_PER_SECOND / MIB:g} MiB at once |",
        f"| one gossip message | {limits.MAX_GOSSIP // KIB} KiB | not sent; as a frame of more than {limits.MAX_RPC // KIB} KiB",
        f"| {limits.CONTROL_PER_SECOND:g} a second, {10 * limits.CONTROL_PER_SECOND:g} at once | the frame's control part",
        f"| {limits.OFFERS_PER_SECOND:g} a second, {4 * limits.OFFERS_PER_SECOND:g} at once | these alone",
        f"| parts of that talk in one frame | {pubsub.MOST_CONTROL} |",
        f"| messages asked for again in one frame | {limits.WANTED_AT_ONCE} |",
        f"of at most {limits.MAX_TOPIC} characters",
        f"| a write that the other side does not take | {yamux.WRITE_DEADLINE:g} s |",
        f"| peers of whom addresses are kept | {address_book.MAX_PEERS} |",
        f"| peers that may be dialled | {keeper.MAX_TARGETS} |",
        f"| one attempt to reach a peer | {keeper.ATTEMPT_S:g} s",
        f"collects points: {rules.POINTS:g} for",
        f"Points halve every {rules.HALF_LIFE_S:g} seconds. At {rules.LIMIT:g} the peer is dropped and stays out for {rules.FIRST_BAN_S:g} seconds",
    ],
)
def test_the_page_names_the_bound_that_holds(said) -> None:
    """Each number of the page is the constant that is compared with."""
    assert said in PAGE


def test_the_words_of_the_page_hold() -> None:
    """Half a point, an hour, an hour, ten reports."""
    assert set(rules.LIGHT.values()) == {0.5}
    assert (rules.LONGEST_BAN_S, rules.FORGIVEN_S, crash_report.KEPT) == (3600, 3600, 10)
