"""``chorus-tui vault …``: role keys, and the word lists that give the master key back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from chorus_tui.cli.members import AUTHORITIES
from chorus_tui.cli.session import Exit, Session, complain, engine_command

if TYPE_CHECKING:
    from chorus_tui.contract.models.vault import (
        CareList,
        GiveWords,
        Granted,
        KeyringView,
        Recovered,
        RehearsedAnswer,
        Roles,
        Rotated,
        VaultStatus,
        WordLists,
    )

NEEDED = 3
"""Word lists that give the key back."""


@click.group()
def vault() -> None:
    """Role keys: who holds which, new ones, word lists that give them back."""


@vault.command()
@engine_command
async def roles(session: Session) -> None:
    """Every keyring: its version, who holds it, who waits for it."""
    session.show(await session.ask("vault.roles"), _print_roles)


@vault.command()
@engine_command
async def status(session: Session) -> None:
    """How many keys are held here, and what gives the master key back."""
    session.show(await session.ask("vault.status"), _print_status)


@vault.command()
@click.argument("member")
@click.option("--authority", type=click.Choice(AUTHORITIES), help="What the member may do, and read.")
@click.option("--role", help="The role tasks are routed by; its members read what is sealed to it.")
@click.option(
    "--timeout", "timeout_s", type=float, default=15.0, show_default=True, help="Seconds to wait for its keys."
)
@engine_command
async def grant(session: Session, member: str, authority: str | None, role: str | None, timeout_s: float) -> int:
    """Grant MEMBER an authority or a role, and wait until it says that it holds the keys. Needs a master."""
    from chorus_tui.contract.models.vault import GrantKeys

    request = GrantKeys.model_validate({"member": member, "authority": authority, "role": role, "timeout_s": timeout_s})
    answer: Granted = await session.ask("vault.grant", request)
    session.show(answer, _print_granted)
    return Exit.STILL_RUNNING if answer.missing else Exit.OK


@vault.command()
@click.argument("keyring")
@engine_command
async def rotate(session: Session, keyring: str) -> None:
    """Give KEYRING a new key for new content; what is old stays readable. Needs a master."""
    from chorus_tui.contract.models.vault import RotateKeyring

    session.show(await session.ask("vault.rotate", RotateKeyring(keyring=keyring)), _print_rotated)


@vault.command()
@click.option(
    "--to", multiple=True, metavar="PEER", help="Give one list into this peer's care; at most two to one peer."
)
@click.option(
    "--rehearsed-from", "sources", multiple=True, type=click.Path(), metavar="FILE",
    help="Read three lists back from these (one in each; - is stdin, one a line) in place of asking for them.",
)  # fmt: skip
@engine_command
async def split(session: Session, to: tuple[str, ...], sources: tuple[str, ...]) -> int:
    """Split the master key into five word lists, of which three give it back.

    They are shown once. It counts as a recovery only after three of them were typed back.
    """
    from chorus_tui.contract.models.vault import SplitMaster

    session.show(await session.ask("vault.split", SplitMaster(to=list(to))), _print_lists)
    sys.stdout.flush()
    if not sources and not sys.stdin.isatty():
        complain("Not rehearsed yet, so there is no recovery: run 'chorus-tui vault rehearse' with three of the lists.")
        return Exit.STILL_RUNNING
    return await _rehearse(session, sources)


@vault.command()
@click.option("--from", "sources", multiple=True, type=click.Path(), metavar="FILE", help="As in 'vault recover'.")
@engine_command
async def rehearse(session: Session, sources: tuple[str, ...]) -> int:
    """Show that three word lists give the master key back; typed without echo, or read from files."""
    return await _rehearse(session, sources)


@vault.command()
@click.option(
    "--from", "sources", multiple=True, type=click.Path(), metavar="FILE",
    help="Read lists from these (one in each; - is stdin, one a line) in place of asking for them.",
)  # fmt: skip
@engine_command
async def recover(session: Session, sources: tuple[str, ...]) -> None:
    """Have the master key back from three word lists, on the engine of a master."""
    session.show(await session.ask("vault.recover", _words(sources)), _print_recovered)


@vault.command()
@engine_command
async def shares(session: Session) -> None:
    """The word lists that are in this peer's care; secrets."""
    session.show(await session.ask("vault.shares"), _print_care)


# ── words in ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _rehearse(session: Session, sources: tuple[str, ...]) -> int:
    """Until it works; from files, once."""
    from chorus_tui.contract.problem import Problem

    while True:
        try:
            session.show(await session.ask("vault.rehearse", _words(sources)), _print_rehearsed)
        except Problem as problem:
            if sources or problem.status != 422:
                raise
            complain(f"{problem}\nOnce more; ctrl+c leaves it without a recovery.")
        else:
            return Exit.OK


def _words(sources: tuple[str, ...]) -> GiveWords:
    """From files, or typed without echo."""
    from chorus_tui.contract.models.vault import GiveWords

    if sources:
        return GiveWords(lists=[words for source in sources for words in _from(source)])
    if not sys.stdin.isatty():
        raise click.UsageError("No terminal to type the lists at: name files with --from, or --from - for stdin.")
    return GiveWords(
        lists=[click.prompt(f"Word list {n} of {NEEDED}", hide_input=True, err=True) for n in range(1, NEEDED + 1)]
    )


def _from(source: str) -> list[str]:
    with click.open_file(source, encoding="utf-8", errors="replace") as file:
        text = file.read()
    lists = [line.strip() for line in text.splitlines() if line.strip()]
    return lists if source == "-" else [" ".join(lists)]


# ── printing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _print_roles(answer: Roles) -> None:
    from chorus_tui.cli.plain import pairs, say, table

    pairs(
        [
            ("keys", answer.keys), ("recovery", answer.recovery),
            ("custodian", answer.custodian or "no master is in reach: no new keys are made"),
        ]
    )  # fmt: skip
    if answer.keyrings:
        say()
        table(("keyring", "version", "here", "held by", "waiting"), map(_row, answer.keyrings))


class _Row(NamedTuple):
    keyring: str
    version: str
    here: str
    held_by: str
    waiting: str


def _row(view: KeyringView) -> _Row:
    version = f"{view.version or 'none yet'}{', a new one is due' if view.renewed_soon else ''}"
    here = ", ".join(map(str, view.mine)) or ("not yet" if view.entitled else "may not")
    return _Row(view.keyring, version, here, ", ".join(view.held_by), ", ".join(view.waiting))


def _print_status(answer: VaultStatus) -> None:
    from chorus_tui.cli.plain import pairs

    pairs([("keys", answer.keys), ("recovery", answer.recovery)])


def _print_granted(answer: Granted) -> None:
    from chorus_tui.cli.plain import clean, say

    say(clean(f"Granted, entry {answer.index}."))
    if answer.arrived:
        say(clean(f"{answer.member} holds {', '.join(answer.arrived)}."))
    if answer.missing:
        say(
            clean(
                f"Not confirmed yet: {', '.join(answer.missing)}. They follow as soon as a holder and {answer.member} are in reach."
            )
        )


def _print_rotated(answer: Rotated) -> None:
    from chorus_tui.cli.plain import say

    say(f"{answer.keyring} is at version {answer.version} for new content.")


def _print_lists(answer: WordLists) -> None:
    from chorus_tui.cli.plain import clean, say

    say(f"Master key, version {answer.version}, split {answer.split}: any {answer.needed} of these lists give it back.")
    say("They are shown this once. Write each one on paper of its own and keep them apart.")
    for one in answer.lists:
        say()
        if one.in_care_of:
            say(clean(f"{one.number}. in the care of {one.in_care_of}, sealed to it"))
        else:
            say(f"{one.number}. {one.words}")
    say()


def _print_rehearsed(answer: RehearsedAnswer) -> None:
    from chorus_tui.cli.plain import say

    say(f"They give the master key, version {answer.version}. Recovery: {answer.recovery}.")


def _print_recovered(answer: Recovered) -> None:
    from chorus_tui.cli.plain import say

    where = "was in age.key already" if answer.was_here else "is in age.key now"
    say(f"The {answer.keyring} key, version {answer.version}, of the mesh {answer.mesh_id[:16]} {where}.")


def _print_care(answer: CareList) -> None:
    from chorus_tui.cli.plain import clean, say

    if not answer.lists:
        say("No word list is in this peer's care.")
    for one in answer.lists:
        say(clean(f"From {one.by}, split {one.split}, list {one.number} of the master key, version {one.version}:"))
        say(one.words)
