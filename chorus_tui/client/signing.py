"""Signing with a person's own key, by the ssh-keygen of their machine: keys in files, in an agent, in hardware.

The private key is never read here. ssh-keygen asks for a passphrase or a touch itself, at the terminal.
"""

from __future__ import annotations

import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from chorus_tui.contract import signed_vote
from chorus_tui.contract.ssh_key import fingerprint_of, signing_key

if TYPE_CHECKING:
    from chorus_tui.contract.models.decisions import VoteDecision

MISSING = "ssh-keygen is not installed on this machine; it comes with OpenSSH (Debian: apt install openssh-client)"


class CannotSign(Exception):
    """Nothing was signed. The text says why and what to do."""


def beside(file: Path) -> Path:
    """Where the public key of ``file`` lies."""
    file = file.expanduser()
    return file if file.suffix == ".pub" else file.with_name(file.name + ".pub")


def asks(file: Path) -> bool:
    """Whether ssh-keygen may ask something before it tells the public key of ``file``."""
    return file.expanduser().is_file() and not beside(file).is_file()


def public_key(file: Path) -> str:
    """Of the key in ``file``, private or public, in its one form. Raises :class:`CannotSign`."""
    file, public = file.expanduser(), beside(file)
    try:
        if public.is_file():
            with public.open(encoding="utf-8", errors="replace") as lines:
                return signing_key(lines.readline(4096))
        if not file.is_file():
            raise CannotSign(f"{file}: no such key; 'ssh-keygen -t ed25519' makes one")
        return signing_key(_ssh_keygen("-y", "-f", str(file), given=b""))
    except OSError as error:
        raise CannotSign(f"{public}: {error.strerror}") from error
    except ValueError as error:
        raise CannotSign(f"{public if public.is_file() else file}: {error}") from error


def sign(file: Path, namespace: str, text: str) -> str:
    """The armored signature of ``text``. Raises :class:`CannotSign`."""
    return _ssh_keygen("-q", "-Y", "sign", "-n", namespace, "-f", str(file.expanduser()), given=text.encode())


def _ssh_keygen(*arguments: str, given: bytes) -> str:
    """What it printed. It complains, and asks for a touch, on our own error stream, and for a passphrase at the terminal."""
    try:
        done = subprocess.run(["ssh-keygen", *arguments], input=given, stdout=subprocess.PIPE, check=False)  # noqa: S603, S607 - the person's ssh-keygen; no shell
    except FileNotFoundError:
        raise CannotSign(MISSING) from None
    if done.returncode != 0 or not done.stdout:
        hint = "is the file a key that ssh-keygen can use, its passphrase right, or its agent running (ssh-add -l)?"
        raise CannotSign(f"ssh-keygen did nothing with {arguments[-1]}: {hint}")
    return done.stdout.decode("utf-8", "replace")


class Ballot(NamedTuple):
    """A vote that is to be signed: whose it is, the number of it, and the text that the signature is over."""

    vote: VoteDecision
    decision_id: str
    person: str
    revision: int
    text: str

    def signed(self, signature: str) -> VoteDecision:
        """The vote, as an engine takes it."""
        said = {
            "decision_id": self.decision_id,
            "person": self.person,
            "revision": self.revision,
            "signature": signature,
        }
        return type(self.vote).model_validate({**self.vote.model_dump(), **said})


async def ballot(ask: Callable[..., Awaitable[Any]], vote: VoteDecision, file: Path, public: str) -> Ballot:
    """The same vote, of the person whose key it is. What is signed is made here, of what was typed here.

    Raises :class:`CannotSign` when nobody is enrolled with the key, and as ``ask`` does.
    """
    from chorus_tui.contract.models.decisions import DecisionRef

    persons = (await ask("members.persons")).persons
    person = next((one.name for one in persons if public in [held.key for held in one.keys]), None)
    if person is None:
        way = "a master enrols it: chorus-tui members enrol NAME --key FILE.pub"
        raise CannotSign(f"{file}: nobody is enrolled with this key ({fingerprint_of(public)}); {way}")
    view = await ask("decisions.show", DecisionRef(decision_id=vote.decision_id))
    revision = view.revisions.get(person, 0)
    text = signed_vote.text(
        mesh_id=view.mesh_id, proposal_id=view.decision_id, proposal=view.entry, person=person, choice=vote.choice, revision=revision,
        final=vote.final, reason=signed_vote.reason_hash(vote.reason),
    )  # fmt: skip
    return Ballot(vote, view.decision_id, person, revision, text)
