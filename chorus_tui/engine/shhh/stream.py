"""A stream of bytes that may be split anywhere, redacted as it flows.

It goes on line by line. Held back is what may still become a secret: the line that is not over, a private key until its last
line, a ``machine`` of a ``.netrc`` until its ``password``, and of a line without end the last part, cut where no secret is. What is
held is bounded; a private key that is longer than any is dropped until its text stops looking like one.
"""

from __future__ import annotations

import codecs
import re
from typing import Protocol

from chorus_tui.engine.shhh.rules.keys import BODY, LONGEST_KEY
from chorus_tui.engine.shhh.scanner import Finding

HOLD_BACK = 8192
"""Characters of a line without end that are held at least before a part of it goes on."""
KEPT = 4096
"""Characters of such a line that stay behind, longer than what a rule needs to know a secret."""
REACH = 128
"""Characters before a secret that may be what gives it away."""
_PUTTY = re.compile(r"Private-Lines: \d{1,3}\r?\n?[A-Za-z0-9+/=\r\n]{0,16384}\Z")
"""The same of PuTTY, whose keys end where the next field begins."""
_NETRC = re.compile(r"\bmachine \S{1,128}\s+(?:login \S{1,128}\s+)?\Z")
"""Whole lines that are one secret with the next, which may begin with its ``login`` or its ``password``."""
_NETRC_REACH = 400
"""Characters behind ``machine`` within which that is waited for."""
_BEGIN, _END, _NAME = "-----BEGIN ", "-----END ", "PRIVATE KEY"


class Redacting(Protocol):
    """What a stream needs of the redactor."""

    @property
    def longest(self) -> int: ...
    def text(self, text: str) -> str: ...
    def find(self, raw: bytes) -> list[Finding]: ...


class StreamRedactor:
    """Of one stream."""

    def __init__(self, redactor: Redacting) -> None:
        self._redactor = redactor
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._held = ""
        self._look_at = 0
        self._in_key = False

    def feed(self, data: bytes) -> bytes:
        """What may go on now."""
        self._held += self._decoder.decode(data)
        cut = self._cut()
        ready, self._held = self._held[:cut], self._held[cut:]
        return self._clean(ready) if ready else b""

    def flush(self) -> bytes:
        """The rest, at the end."""
        rest, self._held = self._held + self._decoder.decode(b"", final=True), ""
        return self._clean(rest)

    def held(self) -> bytes:
        """The rest, if this were the end; it goes on all the same."""
        in_key, unfinished = self._in_key, self._decoder.getstate()
        rest = self._clean(self._held + self._decoder.decode(b"", final=True))
        self._in_key = in_key
        self._decoder.setstate(unfinished)
        return rest

    def _clean(self, text: str) -> bytes:
        if self._in_key:
            text = self._rest_of_key(text)
        begin = text.rfind(_BEGIN)
        if begin >= 0 and _NAME in text[begin : begin + 64] and _END not in text[begin:]:
            raw = text[begin:].encode("utf-8", "surrogateescape")
            body = BODY.match(raw, raw.find(b"KEY") + raw[raw.find(b"KEY") :].find(b"-----") + 5)
            self._in_key = body is not None and body.end() == len(raw)
        return self._redactor.text(text).encode("utf-8", "surrogateescape")

    def _rest_of_key(self, text: str) -> str:
        """Without the lines that go on with a key whose beginning is gone."""
        raw = text.encode("utf-8", "surrogateescape")
        body = BODY.match(raw)
        rest = raw[body.end() if body else 0 :].decode("utf-8", "surrogateescape")
        if rest.startswith(_END):
            self._in_key = False
            return rest.partition("\n")[2]
        self._in_key = not rest
        return rest

    # ── where it may be cut ────────────────────────────────────────────────────────────────────────────────────────

    def _cut(self) -> int:
        """Up to the last line end outside of an open private key, or, of a line without end, up to where no secret is."""
        cut = self._held.rfind("\n") + 1
        begin = self._held.rfind(_BEGIN)
        if begin >= 0 and self._open_key(begin):
            return min(cut, begin)
        putty = (
            _PUTTY.search(self._held, max(0, len(self._held) - LONGEST_KEY)) if "Private-Lines:" in self._held else None
        )
        if putty is not None:
            return min(cut, putty.start())
        netrc = _NETRC.search(self._held, max(0, cut - _NETRC_REACH), cut) if "machine " in self._held else None
        if netrc is not None and len(self._held) - netrc.start() < _NETRC_REACH:
            return netrc.start()
        if len(self._held) - cut > max(HOLD_BACK + self._redactor.longest, self._look_at):
            cut += self._inside_line(self._held[cut:])
            # What cannot be cut yet is looked at again when it has grown, not at each byte.
            self._look_at = len(self._held) - cut + KEPT
        return cut

    def _open_key(self, begin: int) -> bool:
        """Whether what begins there is, or may yet be, a private key whose last line has not come."""
        head = self._held[begin : begin + 64]
        may_be = _NAME in head or ("\n" not in head and len(head) < 64)
        return may_be and _END not in self._held[begin:] and len(self._held) - begin < LONGEST_KEY

    def _inside_line(self, line: str) -> int:
        """How much of a line without end may go on: up to white space, and not within reach of a secret."""
        most = len(line) - KEPT - self._redactor.longest
        space = max(line.rfind(" ", 0, most), line.rfind("\t", 0, most))
        cut = space + 1 if space >= 0 else most
        raw = line.encode("utf-8", "surrogatepass")
        at = len(line[:cut].encode("utf-8", "surrogatepass"))
        for one in self._redactor.find(raw):
            if one.start - REACH < at < one.end:
                at = max(0, one.start - REACH)
        cut = len(raw[:at].decode("utf-8", "ignore"))
        return cut if cut or len(line) < 3 * HOLD_BACK + self._redactor.longest else len(line)
