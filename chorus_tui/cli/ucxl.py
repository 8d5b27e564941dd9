"""``chorus-tui ucxl …``: content under addresses, all its versions.

An address that is none is told with its field, message and raw text, exit code 2. Everything else that cannot be had ends with 1, its
UCXL code on stderr.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chorus_tui.cli.session import Exit, Session, engine_command, page_options
from chorus_tui.contract.counting import many

if TYPE_CHECKING:
    from chorus_tui.contract.models.ucxl import Content

MOST_SIZE = 16 * 1024 * 1024
ENTRY_DIGITS = 64


class AddressParameter(click.ParamType[str]):
    """A UCXL address, checked before anything is asked."""

    name = "address"

    def convert(self, value: Any, _param: click.Parameter | None, _context: click.Context | None) -> str:
        """Its canonical form."""
        from chorus_tui.cli.plain import clean
        from chorus_tui.contract.ucxl import InvalidAddress, parse
        from chorus_tui.telling.ucxl import refused

        try:
            return str(parse(value))
        except InvalidAddress as error:
            told = "\n".join(f"  {name}: {clean(text)}" for name, text in refused(error))
            raise click.UsageError(f"{error.code}: the address is not valid\n{told}") from error


ADDRESS = AddressParameter()


@click.group()
def ucxl() -> None:
    """Content under addresses, all its versions: ucxl://agent:role@project:task/VERSION/path.

    VERSION is *^ (latest), *~N (version N), ~~N (N back from the latest), ^^N (N on from the first), @TIME (as it was then).
    Quote addresses: the shell takes * for itself.
    """


@ucxl.command()
@click.argument("address", type=ADDRESS)
@click.option("--raw", is_flag=True, help="The bytes as stored: an age file when it is sealed.")
@click.option("--verbatim", is_flag=True, help="A record as its text, not in words, on a terminal too.")
@click.option("--to", "target", type=click.Path(dir_okay=False), metavar="FILE", help="Write them to a new file.")
@engine_command
async def get(session: Session, address: str, raw: bool, verbatim: bool, target: str | None) -> int | None:
    """What an address means, to stdout byte for byte; on a terminal text only, and a record of the mesh in words."""
    from chorus_tui.contract.models.ucxl import AddressRef

    answer = await session.ask("ucxl.stored" if raw else "ucxl.get", AddressRef(address=address))
    data = base64.b64decode(answer.data)
    if target is not None:
        return _keep(session, answer, data, target)
    if session.json:
        session.put(answer)
        return None
    if not (raw or verbatim) and sys.stdout.isatty() and await _print_record(session, answer, data):
        return None
    return _print_content(data)


@ucxl.command()
@click.argument("address", type=ADDRESS)
@click.argument("file", default="-", type=click.Path(allow_dash=True, dir_okay=False))
@click.option("--readers", multiple=True, metavar="KEYRING", help="Sealed: who holds this keyring reads it; repeat.")
@click.option("--mine", is_flag=True, help="Sealed to your role and who may read what it writes.")
@click.option(
    "--type", "media_type", default="", metavar="TYPE", help="As text/markdown; guessed from the path's ending."
)
@click.option("--message", "description", default="", metavar="TEXT", help="What is new in this version.")
@click.option("--tag", "tags", multiple=True, help="A word to find it by; repeat.")
@click.option(
    "--follows",
    multiple=True,
    metavar="ENTRY",
    help="The version it was made from, by the first digits 'history' shows; refused when there is a newer one.",
)
@click.option("--sibling", is_flag=True, help="With --follows: keep both, when there is a newer one.")
@click.option("--new", "fresh", is_flag=True, help="Refused when there is content already.")
@engine_command
async def put(session: Session, address: str, file: str, **fields: Any) -> None:
    """Write a version from FILE, or from stdin; every member reads it unless it is sealed."""
    from chorus_tui.cli.ucxl_views import print_written
    from chorus_tui.contract.models.ucxl import PutContent

    data = _read(file)
    follows = await _entries(session, address, fields.pop("follows")) or None
    lists = {name: list(fields.pop(name)) for name in ("readers", "tags")}
    request = PutContent.model_validate(
        {"address": address, "data": base64.b64encode(data).decode(), "parents": follows, **lists, **fields}
    )
    session.show(await session.ask("ucxl.put", request), print_written)


async def _entries(session: Session, address: str, beginnings: tuple[str, ...]) -> list[str]:
    """Whole entries of versions by their first digits, as 'history' prints them."""
    from chorus_tui.contract.models.ucxl import AddressRef

    if all(len(beginning) == ENTRY_DIGITS for beginning in beginnings):
        return list(beginnings)
    known = [row.entry for row in (await session.ask("ucxl.history", AddressRef(address=address))).versions]
    return [_entry(beginning, known) for beginning in beginnings]


def _entry(beginning: str, known: list[str]) -> str:
    """The one that begins so; a whole one is taken as it is."""
    found = [entry for entry in known if beginning and entry.startswith(beginning.lower())]
    if len(beginning) == ENTRY_DIGITS or len(found) == 1:
        return found[0] if found else beginning
    many = (
        f"{len(found)} versions begin so; give more digits" if found else "no version begins so; 'history' lists them"
    )
    raise click.UsageError(f"--follows {beginning}: {many}")


@ucxl.command()
@click.argument("address", type=ADDRESS)
@click.option("--message", "description", default="", metavar="TEXT", help="Why.")
@engine_command
async def rm(session: Session, address: str, description: str) -> None:
    """Remove what an address means: its latest version is without content then, earlier ones stay."""
    from chorus_tui.cli.ucxl_views import print_written
    from chorus_tui.contract.models.ucxl import RemoveContent

    request = RemoveContent(address=address, description=description)
    session.show(await session.ask("ucxl.remove", request), print_written)


@ucxl.command()
@click.argument("address", type=ADDRESS)
@engine_command
async def history(session: Session, address: str) -> None:
    """All versions, the first one first."""
    from chorus_tui.cli.ucxl_views import print_history
    from chorus_tui.contract.models.ucxl import AddressRef

    session.show(await session.ask("ucxl.history", AddressRef(address=address)), print_history)


@ucxl.command()
@click.argument("address", type=ADDRESS)
@click.argument("against", type=ADDRESS, required=False)
@engine_command
async def diff(session: Session, address: str, against: str | None) -> None:
    """What differs between AGAINST (or the version before) and ADDRESS."""
    from chorus_tui.cli.ucxl_views import print_diff
    from chorus_tui.contract.models.ucxl import DiffContent

    request = DiffContent(address=address, against=against or "")
    session.show(await session.ask("ucxl.diff", request), print_diff)


@ucxl.command()
@click.argument("text", default="")
@click.option("--in", "pattern", type=ADDRESS, metavar="ADDRESS", help="Where: wildcards, and the beginning of a path.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="Hits at most.")
@engine_command
async def search(session: Session, text: str, pattern: str | None, limit: int) -> None:
    """Addresses whose latest content holds TEXT, in any case of letters."""
    from chorus_tui.cli.ucxl_views import print_hits
    from chorus_tui.contract.models.ucxl import SearchContent

    request = SearchContent(pattern=pattern or "", text=text, limit=limit)
    session.show(await session.ask("ucxl.search", request), print_hits)


@ucxl.command("list")
@page_options(100, "Addresses")
@engine_command
async def list_(session: Session, limit: int, cursor: str | None) -> None:
    """Addresses that anything is known of, the one changed last first."""
    from chorus_tui.cli.ucxl_views import print_places
    from chorus_tui.contract.models.ucxl import ListPlaces

    session.show(await session.ask("ucxl.places", ListPlaces(limit=limit, cursor=cursor)), print_places)


@ucxl.command()
@click.argument("under", nargs=-1, metavar="[PROJECT [AGENT [ROLE [TASK [PATH]…]]]]")
@engine_command
async def tree(session: Session, under: tuple[str, ...]) -> None:
    """What there is, level by level: projects, agents, roles, tasks, paths."""
    from chorus_tui.cli.ucxl_views import print_tree
    from chorus_tui.contract.models.ucxl import ReadTree

    session.show(await session.ask("ucxl.tree", ReadTree(under=list(under))), print_tree)


@ucxl.command()
@click.argument("address", type=ADDRESS)
@click.argument("operation", type=click.Choice(["latest", "first", "back", "forward", "version", "at"]))
@click.argument("steps", default="")
@engine_command
async def navigate(session: Session, address: str, operation: str, steps: str) -> int | None:
    """A step from the version that ADDRESS means: back 2, forward 1, version 3, at 2030-01-31T12:00:00Z."""
    from chorus_tui.cli.ucxl_views import print_step
    from chorus_tui.contract.models.ucxl import Navigate

    fields = {"at": steps} if operation == "at" else {"steps": steps or 1}
    request = Navigate.model_validate({"address": address, "operation": operation, **fields})
    answer = await session.ask("ucxl.navigate", request)
    session.show(answer, print_step)
    return None if answer.success else Exit.FAILED


@ucxl.command()
@click.argument("address", type=ADDRESS)
@engine_command
async def announce(session: Session, address: str) -> None:
    """Keep the bytes of a version here for good, and tell the others."""
    from chorus_tui.cli.ucxl_views import print_sources
    from chorus_tui.contract.models.ucxl import AddressRef

    session.show(await session.ask("ucxl.announce", AddressRef(address=address)), print_sources)


@ucxl.command()
@click.argument("address", type=ADDRESS)
@engine_command
async def discover(session: Session, address: str) -> None:
    """Who gives the bytes of a version now."""
    from chorus_tui.cli.ucxl_views import print_sources
    from chorus_tui.contract.models.ucxl import AddressRef

    session.show(await session.ask("ucxl.discover", AddressRef(address=address)), print_sources)


# ── files and terminals ────────────────────────────────────────────────────────────────────────────────────────────────


def _read(file: str) -> bytes:
    """At most one byte more than may be stored, so that a wrong file is not read to its end."""
    if file == "-":
        data = sys.stdin.buffer.read(MOST_SIZE + 1)
    else:
        with Path(file).expanduser().open("rb") as source:
            data = source.read(MOST_SIZE + 1)
    if len(data) > MOST_SIZE:
        raise click.UsageError(f"FILE: content has at most {MOST_SIZE // 2**20} MiB")
    return data


def _keep(session: Session, answer: Content, data: bytes, target: str) -> int | None:
    from chorus_tui.cli.plain import clean, foreign, say
    from chorus_tui.client.artifacts import keep

    keep(data, Path(target).expanduser())
    if session.json:
        session.put(answer.model_copy(update={"data": ""}))
    else:
        say(clean(f"{foreign(target)}: {many(len(data), 'byte')}, version {answer.version.n}"))
    return None


async def _print_record(session: Session, answer: Content, data: bytes) -> bool:
    """A record as a person reads it; False when it is none."""
    from chorus_tui.cli.plain import clean, foreign, pairs
    from chorus_tui.contract.models.ucxl import RECORD_TYPE
    from chorus_tui.contract.problem import Problem
    from chorus_tui.telling import record

    if answer.version.media_type != RECORD_TYPE:
        return False
    try:
        peers = (await session.ask("peers.list")).peers
    except Problem:
        peers = []  # then they are told by their ids
    names = {peer.peer_id: foreign(peer.name) for peer in peers}
    rows = record.rows(foreign(data.decode("utf-8", "replace")), answer.version.place, names)
    if rows is None:
        return False
    pairs([(clean(name), value) for name, value in rows])
    return True


def _print_content(data: bytes) -> int | None:
    """As it is into a pipe; on a terminal text only, and without anything it would obey."""
    from chorus_tui.cli.plain import clean
    from chorus_tui.cli.session import complain

    if not sys.stdout.isatty():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        complain(f"It is no text ({len(data)} bytes), so it is not written to a terminal: --to FILE keeps it.")
        return Exit.FAILED
    click.echo(clean(text, lines=True), nl=not text.endswith("\n"))
    return None
