"""A libp2p peer without any of our guards: it has the network key, and says whatever a test wants, on every layer."""

from __future__ import annotations

import os
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.utils.varint import encode_uvarint
from multiaddr import Multiaddr

from chorus_tui.engine.mesh import host as hosts
from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.mesh.hardening import private_network
from chorus_tui.engine.mesh.hardening.streams import guard
from chorus_tui.engine.protocol.identity import Identity
from tests.support.patience import PATIENCE

private_network.install()  # the one patch it needs: to speak the same cipher

YAMUX = struct.Struct(">BBHII")
DATA, WINDOW, PING, GO_AWAY = range(4)
SYN, ACK, FIN, RST = 1, 2, 4, 8


class Attacker:
    """Connected to one victim."""

    def __init__(self, host: Any, victim: str, address: str) -> None:
        self.host = host
        self.victim = ID.from_string(victim)
        self.address = address

    @property
    def peer_id(self) -> str:
        return str(self.host.get_id())

    @property
    def connected(self) -> bool:
        return any(not c.is_closed for c in self.host.get_network().get_connections(self.victim))

    async def connect(self) -> None:
        """Again, after it was cut off."""
        await self.host.disconnect(self.victim)
        await self.host.connect(info_from_p2p_addr(Multiaddr(self.address)))

    async def stream(self, protocol: str) -> Any:
        """An open stream of a protocol."""
        return await self.host.new_stream(self.victim, [protocol])

    async def protocols(self) -> set[str]:
        """What the victim says it speaks, when asked as the agreement on protocols allows."""
        muxed = await self.muxed.open_stream()
        for word in (b"/multistream/1.0.0\n", b"ls\n"):
            await muxed.write(encode_uvarint(len(word)) + word)
        said = b""
        with trio.move_on_after(5 * PATIENCE):
            while said.count(b"/") < 12 or not said.endswith(b"\n"):
                said += await muxed.read(4096)
        await muxed.reset()
        lines = "".join(chr(c) if 32 <= c < 127 else "\n" for c in said).split("\n")
        return {line[line.index("/") :] for line in lines if "/" in line} - {"/multistream/1.0.0"}

    @property
    def muxed(self) -> Any:
        """The multiplexer, for bytes that no library would send."""
        return self.host.get_network().get_connections(self.victim)[0].muxed_conn

    async def raw(self, *frames: bytes) -> None:
        """Frames of the multiplexer, as they are, encrypted as one piece."""
        await self.muxed._write_frame(b"".join(frames))

    async def say(self, protocol: str, data: Iterable[bytes], *, wait: float = 0.0) -> bytes:
        """Write pieces on a fresh stream, take what comes within ``wait`` seconds, and let go."""
        answer = b""
        try:
            stream = await self.stream(protocol)
            for piece in data:
                await stream.write(piece)
            await stream.close_write()
            with trio.move_on_after(wait):
                while more := await stream.read(65536):
                    answer += more
            await stream.reset()
        except Exception:  # noqa: BLE001 - to be reset or cut off is what an attacker may expect
            return answer
        return answer


def yamux(kind: int, flags: int, stream: int, length: int, body: bytes = b"") -> bytes:
    """A frame of the multiplexer, true or not."""
    return YAMUX.pack(0, kind, flags, stream, length) + body


def frame(body: bytes) -> bytes:
    """A frame of our own streams."""
    return len(body).to_bytes(4, "big") + body


@asynccontextmanager
async def attacker(address: str, key: bytes, folder: Path, identity: Identity | None = None) -> AsyncIterator[Attacker]:
    """Connected until the block ends; a stranger unless ``identity`` is a member's."""
    config = MeshConfig(data_dir=folder, network_key=key)
    who = identity or Identity(os.urandom(32))
    host = hosts.make(who, config, list)
    async with host.run(listen_addrs=[hosts.listen_address(config)]):
        guard(host)
        made = Attacker(host, address.rpartition("/")[2], address)
        await made.connect()
        yield made
        with trio.CancelScope(shield=True), trio.move_on_after(2):
            await host.close()
