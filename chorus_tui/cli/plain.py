"""Text for a terminal: whatever came from the network is shown, never obeyed.

Control characters and marks that turn the writing direction become visible signs; rich gets ``Text``, never markup.
"""

from __future__ import annotations

import sys
import time
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

_spoken: list[bool] = [False]


def speak() -> None:
    """From now on this process prints for a voice: no columns, no signs, nothing drawn (``--plain``)."""
    _spoken[0] = True


def foreign(value: Any) -> Any:
    """``value``, an answer or a text that others wrote: for a voice, its signs are not taken for ours. Only for what is printed."""
    if not _spoken[0]:
        return value
    from chorus_tui.telling.spoken import quoted

    return quoted(value)


_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


def clean(text: object, *, lines: bool = False) -> str:
    """``text`` without anything a terminal would act on; line breaks and tabs stay when ``lines``."""
    return "".join(_visible(character, lines) for character in str(text))


def _visible(character: str, lines: bool) -> str:
    if lines and character in "\n\t":
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if character in _BIDI or unicodedata.category(character) in {"Cc", "Cs"}:
        return "\ufffd"
    return character


def say(text: str = "") -> None:
    """A line on stdout; the caller has cleaned what is foreign in it. Characters the terminal lacks are replaced."""
    if _spoken[0]:
        from chorus_tui.telling.spoken import spoken, unquoted

        text = unquoted(spoken(text))
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Aligned columns: with rich on a terminal, as plain text elsewhere."""
    cells = [[clean(cell) for cell in row] for row in rows]
    if _spoken[0]:
        from chorus_tui.telling.spoken import row as as_line

        for number, row in enumerate(cells, start=1):
            say(as_line(headers, row, number, len(cells)))
        return
    if not sys.stdout.isatty():
        _plain_table(headers, cells)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        drawn.add_column(header, overflow="fold")
    for row in cells:
        drawn.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(drawn)


def _plain_table(headers: Sequence[str], rows: list[list[str]]) -> None:
    columns = zip_longest(headers, *rows, fillvalue="")
    widths = [max(len(cell) for cell in column) for column in columns]
    for row in [[header.upper() for header in headers], *rows]:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def pairs(rows: Iterable[tuple[str, object]]) -> None:
    """``name  value`` lines; rows without a value are left out."""
    shown = [(name, clean(value)) for name, value in rows if value not in {None, ""}]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        say(f"{name}: {value}" if _spoken[0] else f"{name.ljust(width)}  {value}")


def size(number: int) -> str:
    """Bytes for people."""
    amount = float(number)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def duration(seconds: float | None) -> str:
    """A time span for people."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def moment(at: float) -> str:
    """A Unix time as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
