"""Canonical JSON (RFC 8785) and the bounds every wire document keeps.

What is signed or hashed is the exact byte string as sent and stored: :func:`decode` refuses bytes that are not the
canonical form of what they say, so nobody ever re-serialises before checking.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any, Final

import orjson
import rfc8785

MAX_MESSAGE: Final = 64 * 1024
"""Bytes of one message; bigger things travel as blobs."""
MAX_DEPTH: Final = 16
MAX_KEYS: Final = 1024
MAX_INTEGER: Final = 2**53 - 1
_FIRST_EXPONENT: Final = 1e21  # RFC 8785 writes floats below it as integers, which nobody could read back
_PLAIN_FLOATS: Final = (1e-4, 1e16)  # between these Python and RFC 8785 both write a fraction without exponent


class WireError(ValueError):
    """Bytes that are not what the protocol allows. ``reason`` is a short word for counters."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def encode(value: Any) -> bytes:
    """The canonical form of ``value``. Raises :class:`WireError` for what JSON or the bounds cannot hold."""
    return _encode(value, MAX_KEYS)


def decode(data: bytes, *, limit: int = MAX_MESSAGE, max_keys: int = MAX_KEYS) -> Any:
    """Parse ``data``, which must be canonical and within the bounds.

    :raises WireError: with reason ``oversize``, ``not_json``, ``too_deep``, ``too_many_keys`` or ``not_canonical``.
    """
    if len(data) > limit:
        raise WireError("oversize", f"{len(data)} bytes, at most {limit} are allowed")
    value = _load(data)
    if max_keys == MAX_KEYS and data in _FOUND_CANONICAL:
        return value
    plain = _check_bounds(value, max_keys)
    try:
        again = _write(value, plain=plain)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise WireError("not_canonical", f"No canonical form: {error}") from None
    if again != data:
        raise WireError("not_canonical", "The bytes are not the canonical form (RFC 8785) of what they say")
    if max_keys == MAX_KEYS and len(data) <= SMALL:
        remember(_FOUND_CANONICAL, data, REMEMBERED)
    return value


REMEMBERED: Final = 512
SMALL: Final = 2048
_FOUND_CANONICAL: dict[bytes, None] = {}
"""Small documents that :func:`decode` found good, at most 1 MiB: the same header or decision comes from several peers, and from
the disk. Each is read anew, as a value may be changed by who asked for it; only its form is not judged twice."""


def remember(found: dict[bytes, None], good: bytes, most: int) -> None:
    """Note what was found good, so that it is not judged again; at most so many, then it begins anew."""
    if len(found) >= most:
        found.clear()
    found[good] = None


FRAME_LIMIT: Final = 1 << 20
FRAME_KEYS: Final = 100_000


def encode_frame(value: Any) -> bytes:
    """Canonical form of a stream frame: larger than a message, up to 1 MiB and 100,000 keys."""
    return _encode(value, FRAME_KEYS)


def decode_frame(data: bytes) -> Any:
    """Parse a stream frame. Frames are not signed as a whole, so they need not be canonical; what is signed inside is
    text and is checked by itself."""
    if len(data) > FRAME_LIMIT:
        raise WireError("oversize", f"{len(data)} bytes, at most {FRAME_LIMIT} are allowed")
    value = _load(data)
    _check_bounds(value, FRAME_KEYS)
    return value


def reread(data: bytes) -> Any:
    """Parse what was found good before it was stored here. Raises ValueError when it is no JSON any more."""
    return orjson.loads(data)


def sha256_hex(data: bytes) -> str:
    """The hash used everywhere: SHA-256, lower-case hex."""
    return hashlib.sha256(data).hexdigest()


# ── writing ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# orjson is quick, but knows nothing of RFC 8785. The two agree on "plain" values, which is most of what is ever said: keys
# of ASCII (so that sorting by byte is sorting by UTF-16 unit), strings of any kind (both escape only the quote, the
# backslash and what is below U+0020, in the same words, and refuse lone surrogates), integers within the bounds, and
# fractions that neither writes with an exponent. Everything else is written by the slow, exact one.


def _encode(value: Any, max_keys: int) -> bytes:
    try:
        return _write(value, plain=_check_bounds(value, max_keys))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise WireError("not_json", f"Not representable as canonical JSON: {error}") from error


def _write(value: Any, *, plain: bool) -> bytes:
    if plain:
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:  # a key of a type derived from str, say: the exact one decides
            pass
    return rfc8785.dumps(value)


def _check_bounds(value: Any, max_keys: int) -> bool:
    """Whether ``value`` is plain. Raises :class:`WireError` when it is too deep, has too many keys, or holds what JSON has
    not."""
    keys, plain, level = 0, True, [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for node in level:
            kind = type(node)
            if kind in _LEAVES:
                continue
            if kind is int and -MAX_INTEGER <= node <= MAX_INTEGER:
                continue
            if isinstance(node, dict):
                keys += len(node)
                if keys > max_keys:
                    raise WireError("too_many_keys", f"More than {max_keys} keys")
                plain = plain and kind is dict and _are_plain(node)
                below.extend(node.values())
            elif isinstance(node, list | tuple):
                plain = plain and kind in (list, tuple)
                below.extend(node)
            else:
                plain = _check_scalar(node) and plain
        if not below:
            return plain
        level = below
    raise WireError("too_deep", f"More than {MAX_DEPTH} levels")


_LEAVES: Final = frozenset({str, bool, type(None)})


def _are_plain(keys: dict[Any, Any]) -> bool:
    try:
        return "".join(keys).isascii()  # one call for all of them
    except TypeError:  # a key that is no text
        return False


def _check_scalar(node: Any) -> bool:
    """Whether a number is plain; raises for what is no number of JSON."""
    kind = type(node)
    if isinstance(node, int):
        if abs(node) > MAX_INTEGER:
            raise WireError("not_json", "An integer beyond 2^53-1")
        return kind is int
    if isinstance(node, float):
        if not math.isfinite(node):
            raise WireError("not_json", "A number that is not finite")
        size = abs(node)
        if MAX_INTEGER < size < _FIRST_EXPONENT:
            raise WireError("not_json", "An integer beyond 2^53-1")
        return kind is float and _PLAIN_FLOATS[0] <= size < _PLAIN_FLOATS[1] and not node.is_integer()
    if isinstance(node, str):
        return False
    raise WireError("not_json", f"{kind.__name__} is no JSON type")


def _load(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except ValueError as error:
        if _TOO_DEEP in str(error):
            raise WireError("too_deep", f"More than {MAX_DEPTH} levels") from None
        raise WireError("not_json", f"Not JSON: {error}") from None


_TOO_DEEP: Final = "depth limit exceeded"
"""As orjson says it, of 1,025 levels and more."""
