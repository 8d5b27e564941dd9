"""The private network's cipher as libp2p specifies it: XSalsa20 with a 24-byte nonce each way.

Reason: the library uses Salsa20 with 8-byte nonces, reads the nonce with one read that may bring fewer bytes, and its
connection lacks what others ask of it; it talks to itself only. Spec: libp2p/specs, pnet/Private-Networks-PSK-V1.
XSalsa20 is HSalsa20 (key and the nonce's first 16 bytes give a subkey) followed by Salsa20 with the last 8.
"""

from __future__ import annotations

import os
import struct
from typing import Any, Final

import libp2p.network.swarm as swarm_module
from Crypto.Cipher import Salsa20
from libp2p.network.connection.raw_connection import RawConnection

NONCE: Final = 24

_MASK: Final = 0xFFFFFFFF
_CONSTANT: Final = struct.unpack("<4I", b"expand 32-byte k")
_ROUNDS: Final = (
    ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11)),
    ((0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14)),
)


def hsalsa20(key: bytes, nonce: bytes) -> bytes:
    """The subkey of ``key`` (32 bytes) and ``nonce`` (16 bytes)."""
    k, n = struct.unpack("<8I", key), struct.unpack("<4I", nonce)
    x = [_CONSTANT[0], *k[:4], _CONSTANT[1], *n, _CONSTANT[2], *k[4:], _CONSTANT[3]]
    for _ in range(10):
        for quarters in _ROUNDS:
            for a, b, c, d in quarters:
                x[b] ^= _rotate(x[a] + x[d], 7)
                x[c] ^= _rotate(x[b] + x[a], 9)
                x[d] ^= _rotate(x[c] + x[b], 13)
                x[a] ^= _rotate(x[d] + x[c], 18)
    return struct.pack("<8I", x[0], x[5], x[10], x[15], *x[6:10])


def xsalsa20(key: bytes, nonce: bytes) -> Any:
    """The cipher; it keeps its place over calls of any length, and decrypts as it encrypts."""
    return Salsa20.new(key=hsalsa20(key, nonce[:16]), nonce=nonce[16:])


class PrivateConnection(RawConnection):
    """A raw connection under the network key. A peer with another key reads noise and fails its handshake."""

    def __init__(self, connection: Any, key: str) -> None:
        self._connection = connection
        self._key = bytes.fromhex(key)
        self._reading: Any = None
        self._writing: Any = None

    async def write(self, data: bytes) -> None:
        """Encrypt and write; the first write carries the nonce."""
        prefix = b""
        if self._writing is None:
            prefix = os.urandom(NONCE)
            self._writing = xsalsa20(self._key, prefix)
        await self._connection.write(prefix + self._writing.encrypt(data))

    async def read(self, n: int | None = None) -> bytes:
        """Up to ``n`` bytes; empty at the end."""
        if self._reading is None:
            nonce = bytearray()
            while len(nonce) < NONCE:
                more = await self._connection.read(NONCE - len(nonce))
                if not more:
                    return b""
                nonce += more
            self._reading = xsalsa20(self._key, bytes(nonce))
        data = await self._connection.read(n)
        return bytes(self._reading.decrypt(data)) if data else b""

    async def close(self) -> None:
        """Close the connection beneath."""
        await self._connection.close()

    @property
    def is_initiator(self) -> bool:
        """Whether this side dialled."""
        return bool(self._connection.is_initiator)

    @property
    def stream(self) -> Any:
        """The socket's stream beneath, for whoever must cut it."""
        return self._connection.stream

    def get_remote_address(self) -> Any:
        """The other side's host and port."""
        return self._connection.get_remote_address()

    def get_transport_addresses(self) -> Any:
        """The other side's multiaddrs; the library's class fails here."""
        return self._connection.get_transport_addresses()

    def get_connection_type(self) -> Any:
        """Direct or relayed."""
        return self._connection.get_connection_type()


def _rotate(value: int, bits: int) -> int:
    value &= _MASK
    return ((value << bits) | (value >> (32 - bits))) & _MASK


def install() -> None:
    """Put :class:`PrivateConnection` in the library's place."""
    swarm_module.new_protected_conn = PrivateConnection
