"""State vectors of shared texts: how far each client id is known. Pure; the format is Yjs' (unsigned integers of 7 bits a byte)."""

from __future__ import annotations

_MOST_BITS = 53


def read(data: bytes) -> dict[int, int]:
    """By client id the number of units that are known. Raises ``ValueError``."""
    at, state = 0, dict[int, int]()
    count, at = _number(data, at)
    for _ in range(count):
        client, at = _number(data, at)
        state[client], at = _number(data, at)
    if at != len(data):
        raise ValueError("something follows the end of the state vector")
    return state


def write(state: dict[int, int]) -> bytes:
    """As :func:`read` reads it."""
    return b"".join([_written(len(state)), *(_written(client) + _written(clock) for client, clock in state.items())])


def _number(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        if at >= len(data) or shift > _MOST_BITS:
            raise ValueError("the state vector ends too early, or a number in it is too large")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _written(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
