"""``chorus-tui images``: sandbox images. Needs no engine: the work is done by the engine's own module."""

from __future__ import annotations

import os
import sys

import click


@click.group()
def images() -> None:
    """Sandbox images for machines that reach no registry."""


@images.command()
@click.argument("names", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def build(names: tuple[str, ...], as_json: bool) -> None:
    """Build sandbox images from Debian packages: shell and Python, or the languages NAMES; "all" for every one."""
    # -P: no module is taken from the folder we stand in.
    arguments = [
        sys.executable,
        "-P",
        "-m",
        "chorus_tui.engine",
        "images",
        "build",
        *(["--json"] if as_json else []),
        *names,
    ]
    sys.stdout.flush()
    os.execv(sys.executable, arguments)  # noqa: S606 - our own interpreter, no shell
