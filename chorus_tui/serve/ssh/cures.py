"""What Textual does for one terminal a process, mended for many. Applied once, before the first session; held by tests.

Each cure names what is seen without it. They patch the pinned version and refuse another, since nobody has looked at that.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from importlib import metadata
from typing import Any, Final

VERSION: Final = "8.2.8"

_OF_THIS_TERMINAL: Final = (
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "FORCE_COLOR",
    "TERM_PROGRAM",
    "LC_TERMINAL",
    "COLUMNS",
    "LINES",
)


def apply() -> None:
    """Mend this process. Raises ``RuntimeError`` for another Textual. Done twice it is as done once."""
    found = metadata.version("textual")
    if found != VERSION:
        raise RuntimeError(f"The SSH portal mends Textual {VERSION}, and {found} is installed. Install that version")
    forget_this_terminal()
    from textual import app
    from textual._styles_cache import StylesCache
    from textual.strip import Strip

    # Sessions end in any order; redirections of the process end last in, first out. sys.stdout would stay an ended session's for ever.
    mended: Any = app
    mended.redirect_stdout = mended.redirect_stderr = _not_redirected
    # An lru_cache on a method keeps its instance, and that its whole session, for ever.
    cache: Any = StylesCache
    cache.get_inner_outer = getattr(cache.get_inner_outer, "__wrapped__", cache.get_inner_outer)
    # Styles and blank lines are shared by all sessions, and keep the codes of the first terminal that they were drawn for.
    strip: Any = Strip
    strip.render_style = classmethod(_rendered)
    blank = Strip.__dict__["blank"].__func__
    strip.blank = classmethod(getattr(blank, "__wrapped__", blank))


def forget_this_terminal() -> None:
    """Colours are the client's affair. Textual reads some of these once, when it is imported, for all sessions."""
    for name in [*_OF_THIS_TERMINAL, *(name for name in os.environ if name.startswith("TEXTUAL"))]:
        os.environ.pop(name, None)


def _rendered(cls: Any, style: Any, text: str, color_system: Any) -> str:
    """A text in the codes of this colour system, whatever the style was drawn for before."""
    codes = cls.render_ansi(style, color_system)
    output = f"\x1b[{codes}m{text}\x1b[0m" if codes else text
    link = f"id={style.link_id};{style.link}"
    return f"\x1b]8;{link}\x1b\\{output}\x1b]8;;\x1b\\" if style.link else output


@contextlib.contextmanager
def _not_redirected(_target: object) -> Iterator[None]:
    yield
