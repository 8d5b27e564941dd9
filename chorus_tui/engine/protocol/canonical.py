"""Canonical JSON (RFC 8785) and the bounds every wire document keeps.

What is signed or hashed is the exact byte string as sent and stored: :func:`decode` refuses bytes that are not the
canonical form of what they say, so nobody ever re-serialises before checking.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, Final

import rfc8785

MAX_MESSAGE: Final = 64 * 1024
"""Bytes of one message; bigger things travel as blobs."""
MAX_DEPTH: Final = 16
MAX_KEYS: Final = 1024
MAX_INTEGER: Final = 2**53 - 1
_FIRST_EXPONENT: Final = 1e21  # RFC 8785 writes floats below it as integers, which nobody could read back


class WireError(ValueError):
    """Bytes that are not what the protocol allows. ``reason`` is a short word for counters."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def encode(value: Any) -> bytes:
    """The canonical form of ``value``. Raises :class:`WireError` for what JSON or the bounds cannot hold."""
    try:
        check_bounds(value)
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise WireError("not_json", f"Not representable as canonical JSON: {error}") from error


def decode(data: bytes, *, limit: int = MAX_MESSAGE, max_keys: int = MAX_KEYS) -> Any:
    """Parse ``data``, which must be canonical and within the bounds.

    :raises WireError: with reason ``oversize``, ``not_json``, ``too_deep``, ``too_many_keys`` or ``not_canonical``.
    """
    if len(data) > limit:
        raise WireError("oversize", f"{len(data)} bytes, at most {limit} are allowed")
    value = _load(data)
    check_bounds(value, max_keys=max_keys)
    try:
        again = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise WireError("not_canonical", f"No canonical form: {error}") from None
    if again != data:
        raise WireError("not_canonical", "The bytes are not the canonical form (RFC 8785) of what they say")
    return value


FRAME_LIMIT: Final = 1 << 20
FRAME_KEYS: Final = 100_000


def encode_frame(value: Any) -> bytes:
    """Canonical form of a stream frame: larger than a message, up to 1 MiB and 100,000 keys."""
    try:
        check_bounds(value, max_keys=FRAME_KEYS)
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise WireError("not_json", f"Not representable as canonical JSON: {error}") from error


def decode_frame(data: bytes) -> Any:
    """Parse a stream frame. Frames are not signed as a whole, so they need not be canonical; what is signed inside is
    text and is checked by itself."""
    if len(data) > FRAME_LIMIT:
        raise WireError("oversize", f"{len(data)} bytes, at most {FRAME_LIMIT} are allowed")
    value = _load(data)
    check_bounds(value, max_keys=FRAME_KEYS)
    return value


def sha256_hex(data: bytes) -> str:
    """The hash used everywhere: SHA-256, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def check_bounds(value: Any, *, max_keys: int = MAX_KEYS) -> None:
    """Raise :class:`WireError` when ``value`` is too deep, has too many keys, or holds an unsafe number."""
    keys = 0
    stack: list[tuple[Any, int]] = [(value, 1)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, dict):
            keys += len(node)
            if keys > max_keys:
                raise WireError("too_many_keys", f"More than {max_keys} keys")
            stack.extend((child, depth + 1) for child in node.values())
        elif isinstance(node, list | tuple):
            stack.extend((child, depth + 1) for child in node)
        else:
            _check_scalar(node)
        if depth > MAX_DEPTH:
            raise WireError("too_deep", f"More than {MAX_DEPTH} levels")


def _check_scalar(node: Any) -> None:
    if isinstance(node, bool) or node is None or isinstance(node, str):
        return
    if isinstance(node, int):
        if abs(node) > MAX_INTEGER:
            raise WireError("not_json", "An integer beyond 2^53-1")
    elif isinstance(node, float):
        if not math.isfinite(node):
            raise WireError("not_json", "A number that is not finite")
        if MAX_INTEGER < abs(node) < _FIRST_EXPONENT:
            raise WireError("not_json", "An integer beyond 2^53-1")
    else:
        raise WireError("not_json", f"{type(node).__name__} is no JSON type")


def _load(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except RecursionError:
        raise WireError("too_deep", f"More than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise WireError("not_json", f"Not JSON: {error}") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
