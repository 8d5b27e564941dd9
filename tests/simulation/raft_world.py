"""Voters' cores alone under a hostile scheduler: time, messages, disks and crashes are drawn from one seed.

No I/O and no tasks, so that millions of steps take minutes. After every step the safety of the paper is checked: one
leader a term, one vote a voter and term, committed entries the same everywhere and for ever.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from chorus_tui.engine.control.raft import Raft
from chorus_tui.engine.control.raft_log import Entry, Position, RaftLog
from chorus_tui.engine.control.raft_messages import AppendReply, Behind, Message, VoteReply
from chorus_tui.engine.control.raft_ready import HardState, Ready, Role, Timing
from chorus_tui.engine.control.voters import Seat, Voters

TIMING = Timing(heartbeat=1.0, timeout=3.0, patience=0.5)


class Broken(AssertionError):
    """A promise of Raft does not hold."""


@dataclass
class Disk:
    """What survives a crash of one store."""

    hard: HardState = field(default_factory=lambda: HardState(0, None))
    entries: list[Entry] = field(default_factory=list)
    commit: int = 0


@dataclass
class Node:
    """A peer: its disk, and its core while it runs."""

    seat: Seat
    disk: Disk
    core: Raft | None = None
    asleep_until: float = 0.0


class World:
    """Some peers, the first ``voters`` of which vote at first."""

    def __init__(self, seed: int, peers: int, voters: int, *, loss: float = 0.05) -> None:
        self.chance = random.Random(seed)
        self.seed = seed
        self.now = 0.0
        self.loss = loss
        self.crashes = 0.002
        self.restless = self.chance.choice((0.05, 0.5))
        self.first = Voters(tuple(Seat(f"p{n}", "1") for n in range(voters)))
        self.nodes = {f"p{n}": Node(Seat(f"p{n}", "1"), Disk()) for n in range(peers)}
        self.flying: list[tuple[float, int, Seat, str, Message]] = []
        self.cut: set[tuple[str, str]] = set()
        self.steps = 0
        self._serial = 0
        self._payload = 0
        # what must never change
        self.leaders: dict[int, Seat] = {}
        self.votes: dict[tuple[int, Seat], str] = {}
        self.decided: dict[int, Entry] = {}
        self.terms: dict[Seat, int] = {}
        self.seen: set[str] = set()
        for node in self.nodes.values():
            self.start(node)

    # ── running ────────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self, node: Node) -> None:
        """From its disk."""
        log = RaftLog(Position(0, 0), self.first, list(node.disk.entries))
        node.core = Raft(
            node.seat, node.disk.hard, log, node.disk.commit, TIMING, lambda: self.chance.random() * 0.5, self.now
        )

    def step(self) -> None:
        """One thing happens."""
        self.steps += 1
        self.now += self.chance.choice((0.001, 0.01, 0.05))
        node = self.chance.choice(list(self.nodes.values()))
        if node.core is not None and node.asleep_until <= self.now:
            node.core.tick(self.now)
            self.settle(node)
        due = [item for item in self.flying if item[0] <= self.now]
        for item in due:
            self.flying.remove(item)
            self.deliver(item)

    def deliver(self, item: tuple[float, int, Seat, str, Message]) -> None:
        """A message arrives, if anybody is there."""
        _, _, sender, to, message = item
        node = self.nodes[to]
        if node.core is None or (sender.peer_id, to) in self.cut:
            return
        if node.asleep_until > self.now:
            self.flying.append((node.asleep_until + 0.001, item[1], sender, to, message))
            return
        if isinstance(message, Behind):
            self.seen.add("behind")
            self.fetch(node, sender)
        if node.core is None:
            return
        node.core.step(sender, message, self.now)
        self.settle(node)

    def settle(self, node: Node) -> None:
        """Store, then send; a crash may come between, with what was to be stored lost."""
        assert node.core is not None
        self.agree(node.core)
        while (ready := node.core.ready()) is not None:
            if (ready.hard or ready.entries) and self.chance.random() < self.crashes:
                if self.chance.random() < 0.5:
                    self.store(node, ready)
                self.crash(node)
                return
            self.store(node, ready)
            self.witness(node, ready)
            for to, message in ready.messages:
                self.post(node.seat, to, message)
            node.core.persisted()
        self.decide(node)

    def store(self, node: Node, ready: Ready) -> None:
        """On disk."""
        if ready.hard is not None:
            node.disk.hard = ready.hard
        if ready.replace_from is not None:
            node.disk.entries = [e for e in node.disk.entries if e.index < ready.replace_from] + ready.entries

    def post(self, sender: Seat, to: str, message: Message) -> None:
        """Lost, late, twice, or well."""
        for _ in range(2 if self.chance.random() < 0.02 else 1):
            if self.chance.random() >= self.loss and to in self.nodes:
                delay = self.chance.choice((0.001, 0.005, 0.05, 0.5)) * self.chance.random()
                self._serial += 1
                self.flying.append((self.now + delay, self._serial, sender, to, message))

    def fetch(self, node: Node, sender: Seat) -> None:
        """A follower fetches what was decided, from the leader that told it to."""
        other = self.nodes[sender.peer_id].core
        if other is not None and node.core is not None:
            self.adopt(node, other.commit)

    def adopt(self, node: Node, commit: int) -> None:
        """A certificate reaches a follower, with all it proves."""
        assert node.core is not None
        if commit <= node.core.commit:
            return
        node.core.adopt([self.decided[index] for index in range(node.core.commit + 1, commit + 1)], commit)
        self.settle(node)  # entries and certificate are stored together, or neither

    def gossip(self) -> None:
        """The newest decision reaches somebody."""
        node = self.chance.choice(list(self.nodes.values()))
        newest = max(self.decided, default=0)
        if node.core is not None and newest > 0 and node.asleep_until <= self.now:
            self.adopt(node, self.chance.randint(max(1, newest - 5), newest))

    # ── faults and load ────────────────────────────────────────────────────────────────────────────────────────────

    def crash(self, node: Node) -> None:
        """The process is gone; the disk stays."""
        node.core = None

    def lose_disk(self, node: Node) -> None:
        """The store is gone: what starts again is another incarnation, and votes from nothing."""
        node.core = None
        node.disk = Disk()
        node.seat = Seat(node.seat.peer_id, str(int(node.seat.incarnation) + 1))

    def disturb(self) -> None:
        """Something goes wrong, or right again."""
        node = self.chance.choice(list(self.nodes.values()))
        roll = self.chance.random()
        if roll < 0.25:
            self.crash(node)
        elif roll < 0.60:
            for other in self.nodes.values():
                if other.core is None and self.chance.random() < 0.7:
                    self.start(other)
        elif roll < 0.75:
            names = list(self.nodes)
            side = set(self.chance.sample(names, self.chance.randint(1, len(names) - 1)))
            both = self.chance.random() < 0.7
            self.cut = {(a, b) for a in names for b in names if (a in side) != (b in side) and (both or a in side)}
        elif roll < 0.93:
            self.cut = set()
        elif roll < 0.97:
            node.asleep_until = self.now + self.chance.random() * 10
        elif self._may_lose(node):
            self.lose_disk(node)

    def _may_lose(self, node: Node) -> bool:
        """More than a minority of voters lost is a lost mesh, which is not in question here."""
        kept = {other.seat for other in self.nodes.values()} - {node.seat}
        recent = [entry.voters for n in self.nodes.values() for entry in n.disk.entries[-200:] if entry.voters]
        return all(voters.majority(kept) for voters in [self.first, *recent])

    def load(self) -> None:
        """Whoever leads appends, changes voters, hands over."""
        for node in self.nodes.values():
            core = node.core
            if core is None or not core.can_append or node.asleep_until > self.now:
                continue
            if self.chance.random() < 0.05:
                core.log.compact(max(core.commit - 3, 0))
            core.append(self._entries(core))
            self.settle(node)
            if node.core is core and core.role is Role.LEADER and self.chance.random() < 0.02:
                others = [peer for peer in core.voters.peers if peer != node.seat.peer_id]
                if others:
                    core.transfer(self.chance.choice(others))
                    self.seen.add("transferred")
                    self.settle(node)

    def _entries(self, core: Raft) -> list[Entry]:
        index = core.log.last.index
        if core.log.last.term < core.term:  # the entry that opens a term stands alone
            return [Entry(index + 1, core.term, "opened")]
        if core.voters.joint:
            self.seen.add("changed")
            return [Entry(index + 1, core.term, "changed", Voters(core.voters.seats))]
        if self.chance.random() < self.restless:
            size = self.chance.choice([n for n in (1, 3, 5) if n <= len(self.nodes)])
            seats = tuple(sorted(node.seat for node in self.chance.sample(list(self.nodes.values()), size)))
            if seats != core.voters.seats:
                return [Entry(index + 1, core.term, "changing", Voters(seats, core.voters.seats))]
        made = []
        for n in range(self.chance.randint(1, 3)):
            self._payload += 1
            made.append(Entry(index + 1 + n, core.term, self._payload))
        return made

    # ── what must hold ─────────────────────────────────────────────────────────────────────────────────────────────

    def witness(self, node: Node, ready: Ready) -> None:
        """What is about to be said is consistent with all that was said before."""
        hard = node.disk.hard
        if hard.term < self.terms.get(node.seat, 0):
            raise Broken(f"E3: the term of {node.seat} goes back")
        self.terms[node.seat] = hard.term
        for to, message in ready.messages:
            if isinstance(message, VoteReply) and message.granted and not message.pre:
                self._vote(message.term, node.seat, to)
        if ready.hard is not None and ready.hard.vote == node.seat.peer_id:
            self._vote(hard.term, node.seat, node.seat.peer_id)
        for happened in ready.happened:
            self.seen.add(happened.what)
            if happened.what == "elected" and self.leaders.setdefault(happened.term, node.seat) != node.seat:
                raise Broken(f"E1: two leaders in term {happened.term}")
        for _, message in ready.messages:
            if isinstance(message, AppendReply) and message.success:
                held = max((e.index for e in node.disk.entries), default=0)
                if message.index > held:
                    raise Broken("an acknowledgement before it is on disk")

    def _vote(self, term: int, seat: Seat, candidate: str) -> None:
        if self.votes.setdefault((term, seat), candidate) != candidate:
            raise Broken(f"E2: {seat} votes twice in term {term}")

    def decide(self, node: Node) -> None:
        """All is stored: what counts, counts after a crash too."""
        if node.core is not None:
            self.agree(node.core)
            node.disk.commit = max(node.disk.commit, node.core.commit)

    def agree(self, core: Raft) -> None:
        """What counts for one stands for ever, and is what everybody else has there."""
        for index in range(core.commit, max(core.commit - 8, 0), -1):
            entry = core.log.at(index)
            if entry is not None and self.decided.setdefault(index, entry) != entry:
                raise Broken(f"entry {index} was decided twice: {self.decided[index]} and {entry}")

    def run(self, steps: int) -> None:
        """Faults and load, then peace: everybody agrees in the end."""
        for _ in range(steps):
            self.step()
            roll = self.chance.random()
            if roll < 0.004:
                self.disturb()
            elif roll < 0.05:
                self.load()
            elif roll < 0.10:
                self.gossip()
        self.heal()

    def heal(self) -> None:
        """E9: after the faults one leader within a bound, and progress."""
        self.cut, self.loss, self.crashes = set(), 0.0, 0.0
        for node in self.nodes.values():
            node.asleep_until = 0.0
            if node.core is None:
                self.start(node)
        before, end = max(self.decided, default=0), self.now + 60
        while self.now < end:
            self.step()
            if self.chance.random() < 0.05:
                self.load()
                self.gossip()
            if max(self.decided, default=0) >= before + 20:
                return
        raise Broken("E9: no progress after the faults ended")
