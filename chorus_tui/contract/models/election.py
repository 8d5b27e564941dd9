"""Who leads, who votes, who belongs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Page, Request

Authority = Literal["master", "decision", "coordination", "suggestion", "read_only"]


class Voter(Answer):
    """One voter. ``silent_s`` is known to the admin only; ``parts`` are the five parts of its score, from 0 to 1, as the admin
    last showed them."""

    peer_id: str
    name: str
    kind: Literal["agent", "human", "unknown"]
    is_self: bool = False
    is_admin: bool = False
    linked: bool
    silent_s: float | None = None
    score: float | None = None
    parts: dict[str, float] = Field(default_factory=dict)


class ElectionStatus(Answer):
    """The answer of ``chorus-tui election status``. ``majority`` is how many voices a decision needs."""

    mesh_id: str | None
    state: Literal["discovering", "following", "campaigning", "admin"]
    term: int
    admin: str | None
    admin_name: str = ""
    admin_heard_s: float | None = None
    voters: list[Voter]
    majority: int
    changing: bool = Field(default=False, description="The voters are being changed")
    meaning: str = Field(
        default="", description="In words: what the present voters can bear, what is missing, what helps"
    )
    other_meshes: dict[str, str] = Field(default_factory=dict, description="Other founded meshes in reach, by who told")


class Term(Answer):
    """A term, by the entry that opened it."""

    term: int
    admin: str
    admin_name: str
    index: int
    at: float
    votes: list[str] = Field(description="Peer ids whose signed votes made this admin")


class ElectionHistory(Page):
    """Terms of the present mesh, newest first."""

    terms: list[Term]


class HandOver(Request):
    """Ask for another admin. ``reason`` stands in the control log."""

    reason: str = Field(default="", max_length=500)


class Decided(Answer):
    """The control entry that decided it, and what happens now."""

    index: int
    note: str = ""


class MemberView(Answer):
    """A member as granted in the control log."""

    peer_id: str
    agent_id: str
    name: str
    kind: Literal["agent", "human"]
    role: str = ""
    expertise: list[str] = Field(default_factory=list)
    authority: Authority
    voter: bool = False
    is_admin: bool = False
    is_self: bool = False
    linked: bool = False


class PersonKey(Answer):
    """A public key as OpenSSH writes it, and its fingerprint as ``ssh-keygen -l`` prints it."""

    key: str
    fingerprint: str


class PersonView(Answer):
    """A person enrolled with keys of their own: no peer; their signed vote counts whichever peer brings it."""

    name: str
    authority: Authority
    keys: list[PersonKey] = Field(description="Empty: the person was withdrawn")
    withdrawn: list[str] = Field(default_factory=list, description="Fingerprints of keys that count no more")


class PersonList(Page):
    """The answer of ``chorus-tui members persons``."""

    mesh_id: str | None
    persons: list[PersonView]


class EnrolPerson(Request):
    """Say whose a public key is. ``key`` is the line of a ``.pub`` file: ed25519, in a file or in hardware."""

    person: str = Field(min_length=1, max_length=64)
    key: str = Field(min_length=1, max_length=1024)
    authority: Authority = "decision"


class WithdrawPerson(Request):
    """Take a key from a person, by its fingerprint or its line; with an empty ``key`` all of them."""

    person: str = Field(min_length=1, max_length=64)
    key: str = Field(default="", max_length=1024)


class MemberList(Page):
    """The answer of ``chorus-tui members list``."""

    mesh_id: str | None
    members: list[MemberView]
    persons: list[PersonView] = Field(default_factory=list, description="Enrolled persons, who are no peers")


class GrantMember(Request):
    """Change what a member is granted; what is not named stays. ``member`` is a peer id or a name."""

    member: str = Field(min_length=1, max_length=128)
    authority: Authority | None = None
    role: str | None = Field(default=None, max_length=64)
    expertise: list[str] | None = Field(default=None, max_length=32)


class RemoveMember(Request):
    """Take a member out of the mesh. ``member`` is a peer id or a name."""

    member: str = Field(min_length=1, max_length=128)


class MergeMesh(Request):
    """``mesh`` is the other mesh's id, or its first digits."""

    mesh: str = Field(min_length=4, max_length=64, pattern="^[0-9a-f]+$")


class Refound(Request):
    """``confirm`` repeats the id of the mesh that is given up, or its first eight digits."""

    confirm: str = Field(max_length=64)


class Refounded(Answer):
    """The mesh that was given up, and the one in its place."""

    old: str
    mesh_id: str
