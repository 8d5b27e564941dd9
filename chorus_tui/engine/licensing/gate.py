"""The gate before every port, and the lease behind it for as long as the engine runs.

What time is it? The server's answer says so, signed; from then on monotonic time is added, so that a wall clock that is wrong
or jumps changes nothing while the engine runs. Only a start without the server has to believe the machine's clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import structlog
import trio

from chorus_tui.engine.bell import pause
from chorus_tui.engine.clock import Clock, Entropy
from chorus_tui.engine.http_exchange import NoAnswer
from chorus_tui.engine.licensing import rules
from chorus_tui.engine.licensing.kaching import Account, Kaching
from chorus_tui.engine.licensing.keeping import Kept, TokenFile
from chorus_tui.engine.licensing.license import LicenseError
from chorus_tui.engine.licensing.rules import Breaker
from chorus_tui.engine.licensing.statement import Lease, Refusal

log = structlog.get_logger("chorus.licence")

TRIES = 3
"""At the start, when no lease is kept."""
PAUSE_S = 0.5
LOOK_S = 60.0
"""Longest sleep: an end that comes nearer is seen in time."""

State = Literal["development", "leased", "grace", "refused", "over"]


@dataclass(slots=True)
class Figures:
    """Since the start, for metrics: checks of the licence, and those that brought no lease."""

    checks: int = 0
    failures: int = 0


class Gate:
    """One engine's licence. ``account`` None: a development licence, and nobody to ask."""

    def __init__(self, account: Account | None, file: TokenFile, clock: Clock, entropy: Entropy) -> None:
        self.figures = Figures()
        self.on_end: Callable[[str], None] = lambda _reason: None
        """Told once, with the reason, when a running engine has to stop."""
        self._account = account
        self._server = Kaching(account, entropy) if account else None
        self._file = file
        self._clock = clock
        self._entropy = entropy
        self._lease: Lease | None = None
        self._token = ""
        self._refused: tuple[float, str] | None = None
        self._trouble = ""
        self._skew_s = 0.0
        self._known = (0.0, 0.0)
        """A time that was known, and the monotonic time then."""
        self._breaker = Breaker()
        self._asked_at = 0.0
        self._over = False

    # ── before any port ────────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        """Returns when this engine may run. Raises :class:`LicenseError`."""
        if self._server is None:
            # Its form says that it is for development; nobody else is asked.
            self.figures.checks += 1
            return
        kept = self._file.load()
        for attempt in range(1 if kept else TRIES):
            await trio.sleep(PAUSE_S * attempt)
            if await self._ask("activate"):
                break
        if self._refused is not None:
            raise LicenseError(f"The licence server refuses this engine: {self._refused[1]}")
        if self._lease is None:
            self._start_on(kept)
        log.info("🔑 Licence", state=str(self))

    def _start_on(self, kept: Kept | None) -> None:
        """Without the server: on what it said before. Raises :class:`LicenseError`."""
        assert self._account is not None
        why = "no token of an earlier start is kept. Check CHORUS_KACHING_URL and the server"
        if kept is not None:
            account, now = self._account, self._clock.wall()
            lease, why = rules.kept_lease(kept.token, account.public_key, account.holder, now, kept.seen_at)
            if lease is not None:
                self._lease, self._token = lease, kept.token
                self._known = (now, self._clock.monotonic())
                return
        raise LicenseError(f"The licence cannot be checked: of the licence server, {self._trouble}; {why}")

    # ── while it runs ──────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Renew until cancelled. Says once when it is over, and goes on asking: only a person stops a drain."""
        task_status.started()
        while self._lease is not None:
            due = self._wait_s(self._lease)
            left = LOOK_S if self._over else max(0.0, self.ends_at - self._now())
            await pause(min(due, left, LOOK_S))
            if due <= LOOK_S and self._wait_s(self._lease) <= 0.0:
                await self._ask("heartbeat")
                self._file_seen()
            self._end_if_over()

    def _wait_s(self, lease: Lease) -> float:
        """Seconds until the next question; after a failure they count from that."""
        monotonic = self._clock.monotonic()
        wait = rules.wait_s(lease, self._breaker, self._now(), monotonic)
        since = monotonic - self._asked_at
        if self._refused is not None:
            return max(0.0, rules.OPEN_S - since)
        return max(0.0, wait - since) if self._breaker.failures and self._breaker.until is None else wait

    def _end_if_over(self) -> None:
        if self._now() < self.ends_at or self._over:
            return
        self._over = True
        why = self._refused[1] if self._refused else f"of the licence server, {self._trouble}"
        self.on_end(f"The licence's 72 hours of grace are over ({why}); this engine has stopped in order")

    async def release(self) -> None:
        """This node is not in use any more; bounded, and nothing depends on it."""
        if self._server is not None and self._lease is not None:
            try:
                await self._server.ask("release")
            except NoAnswer as error:
                log.info("The licence server was not told that this node stops", reason=str(error))

    async def _ask(self, question: Literal["activate", "heartbeat"]) -> bool:
        """Whether the server answered, yes or no."""
        assert self._server is not None
        self.figures.checks += 1
        self._asked_at = self._clock.monotonic()
        try:
            said, text = await self._server.ask(question)
        except NoAnswer as error:
            self._no_answer(str(error))
            return False
        self._asked_at = self._clock.monotonic()
        self._known = (float(said.issued_at), self._asked_at)
        self._skew_s = self._clock.wall() - said.issued_at
        self._breaker, self._trouble = Breaker(), ""
        if isinstance(said, Refusal):
            self._refuse(rules.WORDS[said.reason])
        else:
            if self._refused is not None:
                log.info("🔑 The licence server lets this engine run again")
            self._lease, self._token, self._refused = said, text, None
            self._file.keep(Kept(text, said.issued_at))
        return True

    def _refuse(self, words: str) -> None:
        """What is kept goes: the next start has to ask. The first refusal counts, not the newest."""
        self.figures.failures += 1
        if self._refused is None:
            log.warning("⚠️ The licence server refuses this engine", reason=words)
        self._refused = (self._refused[0] if self._refused else self._now(), words)
        self._file.discard()

    def _no_answer(self, words: str) -> None:
        self.figures.failures += 1
        self._breaker = rules.failed(self._breaker, self._asked_at)
        if words != self._trouble:
            log.warning("⚠️ The licence cannot be checked now", reason=words)
        self._trouble = words

    def _file_seen(self) -> None:
        if self._lease is not None and self._refused is None:
            self._file.keep(Kept(self._token, self._now()))

    def _now(self) -> float:
        at, monotonic = self._known
        return at + self._clock.monotonic() - monotonic

    # ── telling ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def ends_at(self) -> float:
        """When a running engine would have to stop, if nothing changes; Unix seconds."""
        if self._lease is None:
            return float("inf")
        return rules.running_end(self._lease, self._refused[0] if self._refused else None)

    @property
    def state(self) -> State:
        """In one word."""
        if self._lease is None:
            return "development"
        if self._over:
            return "over"
        if self._refused is not None:
            return "refused"
        return "leased" if self._now() < min(self._lease.lease_until, self._lease.expires_at) else "grace"

    @property
    def node_limit(self) -> int | None:
        """Nodes that the licence allows; None when nobody says."""
        return self._lease.node_limit if self._lease else None

    @property
    def features(self) -> tuple[str, ...]:
        """What the licence names besides."""
        return self._lease.features if self._lease else ()

    def problem(self) -> str:
        """What a person should know now, in words; empty when all is well."""
        left = _hours(self.ends_at - self._now()) if self._lease else ""
        if self._refused is not None:
            return f"refused: {self._refused[1]}; this engine goes on for {left}"
        if self.state in ("grace", "over"):
            return f"not renewed: of the licence server, {self._trouble}; this engine goes on for {left}"
        if abs(self._skew_s) > rules.SKEW_S:
            word = "ahead of" if self._skew_s > 0 else "behind"
            return f"this machine's clock is {_hours(abs(self._skew_s))} {word} the licence server's. Set the clock"
        if self._trouble:
            return f"the licence server cannot be asked: {self._trouble}; the lease still holds"
        return ""

    def __str__(self) -> str:
        """For a screen: never the id."""
        if self._lease is None or self._account is None:
            return "development"
        words = {"leased": "valid", "grace": "in its grace", "refused": "refused, in its grace", "over": "over"}
        return f"{words[self.state]}, cluster {self._account.cluster}"


def _hours(seconds: float) -> str:
    """For people: 3 h 20 min, 45 s."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
