"""The Raft core, sans I/O, in its single-voter form.

Ongaro's rules that one voter already needs: a term and a vote are persisted before they are used; an entry counts when
a majority of the voters has persisted it; a leader never changes what it wrote. The caller persists what
:meth:`Raft.campaign` and :meth:`Raft.append` return and then says so; only that moves the state on.

More voters need elections between peers and replication: :class:`Raft` refuses such a set instead of pretending.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class MoreVoters(Exception):
    """The voter set has more than one member."""

    def __init__(self) -> None:
        super().__init__("More than one voter is not supported by this version")


class IllegalStep(Exception):
    """A call that the present state does not allow: a fault of the caller."""


class Role(Enum):
    """Follower, candidate and leader as in the paper."""

    FOLLOWER = "follower"
    CANDIDATE = "candidate"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class HardState:
    """What must be on disk before it is used: the term, and whom this voter chose in it."""

    term: int
    vote: str | None


@dataclass(frozen=True, slots=True)
class Position:
    """The end of a log."""

    index: int
    term: int


class Raft:
    """One voter's view: its role, its term, what is committed."""

    def __init__(self, me: str, voters: tuple[str, ...], hard: HardState, last: Position, commit: int) -> None:
        if len(voters) > 1:
            raise MoreVoters
        self._me = me
        self._voters = voters
        self._hard = hard
        self._persisted = last
        self.role = Role.FOLLOWER
        self.last = last
        self.commit = commit

    @property
    def term(self) -> int:
        """The present term."""
        return self._hard.term

    def campaign(self) -> HardState:
        """Stand in a new term. The answer must be persisted, then :meth:`hard_persisted` called."""
        if self._voters != (self._me,):
            raise IllegalStep("only a voter can stand")
        if self.role is not Role.FOLLOWER:
            raise IllegalStep(f"a {self.role.value} does not stand")
        self.role = Role.CANDIDATE
        self._hard = HardState(max(self._hard.term, self.last.term) + 1, self._me)
        return self._hard

    def hard_persisted(self, hard: HardState) -> None:
        """Term and vote are on disk: the own vote counts, which is the majority of one."""
        if self.role is not Role.CANDIDATE or hard != self._hard:
            raise IllegalStep("this is not the state that was to be persisted")
        self.role = Role.LEADER

    def append(self, count: int) -> list[Position]:
        """Places for ``count`` new entries of this leader, in order; they must be persisted before they count."""
        if self.role is not Role.LEADER:
            raise IllegalStep("only a leader appends")
        places = [Position(self.last.index + n, self.term) for n in range(1, count + 1)]
        if places:
            self.last = places[-1]
        return places

    def entries_persisted(self, upto: Position) -> int:
        """Entries are on disk here: acknowledged by the majority of one. The new commit index."""
        if upto.index > self.last.index:
            raise IllegalStep("nothing was appended there")
        if upto.index > self._persisted.index:
            self._persisted = upto
        # A leader commits by counting only entries of its own term (section 5.4.2 of the paper); those before follow.
        if self.role is Role.LEADER and self._persisted.term == self.term:
            self.commit = max(self.commit, self._persisted.index)
        return self.commit

    def abandon(self, to: Position) -> None:
        """The last append was not persisted; nothing of it was ever acknowledged."""
        if to.index < self._persisted.index:
            raise IllegalStep("what was persisted stays")
        self.last = to

    def step_down(self) -> None:
        """Lead no more, until the next campaign."""
        self.role = Role.FOLLOWER
