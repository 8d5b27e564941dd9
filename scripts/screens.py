"""Renders every snapshot to PNG in build/screens, and those that the pages of docs/ show. ``make screens``."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path

import resvg_py
from rich.cells import cell_len

ROOT = Path(__file__).parent.parent
FONTS = ("fonts-firacode", "fonts-droid-fallback", "fonts-noto-color-emoji")
SHOWN = {"tasks": "tasks-finished-120x40", "patch": "patch-filled-120x40", "decide": "decide-passed-120x40"}
"""Pictures of the README and of docs/portal.md."""
WORDS = re.compile(r'<text class="([^"]+)" x="([\d.]+)" (y="[^"]+") textLength="([\d.]+)" ([^>]+)>([^<]+)</text>')
SIGNS = re.compile("([\u21ba\u2460-\u24ff\u25cc\u2600-\u2712\u2714-\u27bf\ufffd\U0001f000-\U0001faff]+)")
"""Those that Fira Code lacks."""


def main() -> int:
    """Exit code 1 when fonts are missing, with the command that gets them."""
    if "Fira Code" not in fonts():
        print(
            f"✗ The font Fira Code is missing. Debian family:  sudo apt-get install fontconfig {' '.join(FONTS)}",
            file=sys.stderr,
        )
        return 1
    for picture in sorted((ROOT / "snapshots").glob("*/*.svg")):
        if ".new." in picture.name:
            continue
        target = ROOT / "build" / "screens" / f"{picture.parent.name}-{picture.stem}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(render(picture.read_text()))
        print(target.relative_to(ROOT))
    for name, picture in SHOWN.items():
        shutil.copy(ROOT / "build" / "screens" / f"{picture}.png", ROOT / "docs" / "pictures" / f"{name}.png")
    return 0


def fonts() -> str:
    """Families that fontconfig knows; empty without fontconfig."""
    command = shutil.which("fc-list")
    return (
        subprocess.run([command, ":", "family"], capture_output=True, text=True, check=False).stdout if command else ""
    )


def render(svg: str) -> bytes:
    """PNG of one snapshot, at the size it was drawn for."""
    svg = WORDS.sub(_signs_apart, re.sub(r"font-family:\s*arial", "font-family: Fira Code", svg))
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, font_family="Fira Code", monospace_family="Fira Code"))


def _signs_apart(words: re.Match[str]) -> str:
    """The words with each sign of another font by itself: that font would be taken for all of them."""
    look, x, y, length, rest, text = words.groups()
    text = html.unescape(text)
    wide, at, found = float(length) / max(1, cell_len(text)), float(x), []
    for part in filter(None, SIGNS.split(text)):
        long = wide * cell_len(part)
        shown = html.escape(part).replace(" ", "&#160;").replace("\u00a0", "&#160;")
        found.append(f'<text class="{look}" x="{at:g}" {y} textLength="{long:g}" {rest}>{shown}</text>')
        at += long
    return "".join(found)


if __name__ == "__main__":
    sys.exit(main())
