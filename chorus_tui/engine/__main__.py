"""The engine's own command line, for launchers: ``python -m chorus_tui.engine serve``, ``… images build|ensure``
``… simulate``, ``… journal rebuild|verify``, ``… doctor``, ``… config check``, ``… bundle`` and ``… backup make|restore``."""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import os
import sys
from functools import partial
from importlib import import_module
from typing import Any

import trio

OPERATING = {
    "doctor": "look at this machine",
    "config": "look at the settings",
    "bundle": "gather what a helper needs, without secrets",
    "backup": "a data folder into one sealed file, and back",
}
"""Commands for operators, each a room of :mod:`chorus_tui.engine.runtime`."""


def main() -> int:
    """Exit codes: 0 stopped in order, 1 could not start or failed, 2 wrong settings or usage."""
    arguments = _parser().parse_args()
    if arguments.command == "serve":
        return _serve(arguments)
    if arguments.command == "simulate":
        return _simulate(arguments)
    if arguments.command == "journal":
        return _journal(arguments)
    if arguments.command in OPERATING:
        return int(_operating(arguments.command).run(arguments))
    return _images(arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chorus_tui.engine", description="The engine of chorus-tui.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run an engine until it is told to stop")
    serve.add_argument("--kind", choices=["agent", "human"], default="agent")
    serve.add_argument("--data-dir", help="data folder; default: CHORUS_DATA_DIR, or one per kind")
    serve.add_argument("--stop-when-idle", type=float, metavar="S", help="stop S seconds after the last client left")
    serve.add_argument("--ready-fd", type=int, metavar="N", help="write 'ready' or 'error: …' to this descriptor")
    serve.add_argument("--until-fd", type=int, metavar="N", help="stop when this descriptor reads its end")
    images = commands.add_parser("images", help="sandbox images")
    images.add_argument("action", choices=["build", "ensure"])
    images.add_argument("--json", action="store_true")
    images.add_argument("names", nargs="*", metavar="NAME")
    simulate = commands.add_parser("simulate", help="a mesh in simulated time, with faults; a seed replays")
    if "simulate" in sys.argv[1:2]:
        from chorus_tui.engine.simulation import command  # noqa: PLC0415 - the other commands start without it

        command.add_arguments(simulate)
    journal = commands.add_parser("journal", help="work on a journal without an engine")
    if "journal" in sys.argv[1:2]:
        from chorus_tui.engine.runtime import offline  # noqa: PLC0415 - as above

        offline.add_arguments(journal)
    for name, help_ in OPERATING.items():
        operating = commands.add_parser(name, help=help_)
        if name in sys.argv[1:2]:
            _operating(name).add_arguments(operating)
    return parser


def _operating(name: str) -> Any:
    """The module of a command for operators; the other commands start without it."""
    return import_module(f"chorus_tui.engine.runtime.{name}.command")


def _serve(arguments: argparse.Namespace) -> int:
    # Nothing of what is imported is ever let go, and looking through it again and again takes a sixth of the start.
    gc.disable()
    from chorus_tui.engine.runtime import crash_report  # noqa: PLC0415 - --help stays quick
    from chorus_tui.engine.runtime.serve import CannotStart, prepare, serve  # noqa: PLC0415 - as above
    from chorus_tui.engine.runtime.service_manager import ServiceManager  # noqa: PLC0415 - as above
    from chorus_tui.engine.shhh import doors  # noqa: PLC0415 - as above

    gc.freeze()
    gc.enable()

    def tell(word: str) -> None:
        if arguments.ready_fd is not None:
            with contextlib.suppress(OSError), os.fdopen(arguments.ready_fd, "w") as pipe:
                pipe.write(f"{word}\n")
            arguments.ready_fd = None

    os.umask(0o077)  # what is not made private on purpose is so by this
    engine = None
    try:
        engine = prepare(arguments.kind, os.environ, arguments.data_dir)
        run = partial(
            serve,
            engine,
            ready=partial(tell, "ready"),
            stop_when_idle_s=arguments.stop_when_idle,
            until_fd=arguments.until_fd,
            manager=ServiceManager.of(os.environ),
        )
        trio.run(run)
    except CannotStart as error:
        print(f"✗ {error}", file=sys.stderr)
        tell(f"error: {error}")
        return error.code
    except Exception as error:
        if engine is None:  # nothing is known yet that could be redacted, nor where to write
            raise
        clean = engine.redactor.at(doors.CRASH).text
        written = crash_report.write(engine.folder.path, error, clean)
        words = f"The engine failed: {crash_report.in_a_line(error, clean)}"
        print(f"✗ {words}{f' A report without secrets: {written}' if written else ''}", file=sys.stderr)
        tell(f"error: {words}")
        return 1
    return 0


def _simulate(arguments: argparse.Namespace) -> int:
    from chorus_tui.engine.simulation import command  # noqa: PLC0415 - as above

    return command.run(arguments)


def _journal(arguments: argparse.Namespace) -> int:
    from chorus_tui.engine.runtime import offline  # noqa: PLC0415 - as above

    return offline.run(arguments)


def _images(arguments: argparse.Namespace) -> int:
    from chorus_tui.engine.execution.errors import ExecutionError  # noqa: PLC0415 - --help stays quick
    from chorus_tui.engine.execution.image_build import build_images  # noqa: PLC0415 - as above
    from chorus_tui.engine.execution.settings import DEFAULT_SOCKET  # noqa: PLC0415 - as above

    host = os.environ.get("DOCKER_HOST") or DEFAULT_SOCKET
    say = partial(print, file=sys.stderr) if arguments.json else print
    try:
        built = trio.run(partial(build_images, tuple(arguments.names), say, docker_host=host))
    except ExecutionError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(
            json.dumps(
                [
                    {"name": image.name, "id": image.image_id, "built": image.built, "size": image.size}
                    for image in built
                ]
            )
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
