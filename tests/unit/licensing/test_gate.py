"""The gate over days, in simulated time: leases renewed, outages outlived, refusals with a grace, an end that is told once."""

from __future__ import annotations

import json
import stat

import pytest
import trio
from nacl.signing import SigningKey

from chorus_tui.engine.clock import SeededEntropy, SystemClock
from chorus_tui.engine.http_exchange import NoAnswer
from chorus_tui.engine.licensing import rules
from chorus_tui.engine.licensing.gate import Gate
from chorus_tui.engine.licensing.kaching import Account
from chorus_tui.engine.licensing.keeping import NAME, TokenFile
from chorus_tui.engine.licensing.license import LicenseError, fingerprint
from chorus_tui.engine.licensing.statement import read
from tests.support.kaching import signed

HOUR = 3600.0
KEY = SigningKey(b"k" * 32)


class Wall(SystemClock):
    """A wall clock that follows simulated time; ``off`` sets it wrong."""

    off = 0.0

    def wall(self) -> float:
        return 1_800_000_000.0 + trio.current_time() - self.base + self.off

    def __init__(self) -> None:
        self.base = trio.current_time()


class Server:
    """Answers in the place of HTTP, which has no simulated time; its statements are real."""

    def __init__(self, clock: Wall) -> None:
        self.clock, self.mode, self.asked = clock, "good", list[tuple[str, float]]()

    async def ask(self, question: str):
        self.asked.append((question, trio.current_time()))
        if self.mode == "away":
            raise NoAnswer("nobody can be reached there")
        now = int(self.clock.wall() - self.clock.off)
        common = {
            "license": fingerprint("prod-123"),
            "cluster": "prod",
            "node": "me",
            "nonce": "0" * 32,
            "issued_at": now,
        }
        body = (
            {"kind": "lease", "lease_until": now + 3600, "expires_at": now + 90 * 86_400, "node_limit": 3}
            if self.mode == "good"
            else {"kind": "refusal", "reason": self.mode}
        )
        text = signed(KEY, {**common, **body})
        return read(text, bytes(KEY.verify_key)), text


def gate(folder, mode: str = "good", off: float = 0.0) -> tuple[Gate, Server]:
    clock = Wall()
    clock.off = off
    account = Account("http://x", "prod-123", "prod", "me", bytes(KEY.verify_key), 1.0)
    made = Gate(account, TokenFile(folder), clock, SeededEntropy(1))
    server = Server(clock)
    server.mode = mode
    made._server = server
    return made, server


async def test_a_lease_is_renewed_at_a_third_for_days(tmp_path, autojump_clock, nursery):
    """Every twenty minutes of an hour's lease; the newest is kept, mode 0600, without the id."""
    made, server = gate(tmp_path)
    await made.open()
    nursery.start_soon(made.run)
    await trio.sleep(48 * HOUR)

    kept = tmp_path / NAME
    assert 140 <= len(server.asked) <= 146
    assert made.state == "leased"
    assert made.problem() == ""
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "prod-123" not in kept.read_text()


async def test_an_outage_within_the_grace_stops_nothing_and_asks_once_a_minute(tmp_path, autojump_clock, nursery):
    """The breaker keeps the questions few; a server that is back is found within a minute."""
    made, server = gate(tmp_path)
    ended: list[str] = []
    made.on_end = ended.append
    await made.open()
    nursery.start_soon(made.run)
    server.mode = "away"
    await trio.sleep(20 * HOUR)

    assert (made.state, ended) == ("grace", [])
    assert "goes on for" in made.problem()
    assert len(server.asked) <= 20 * 60 + 10
    server.mode = "good"
    await trio.sleep(61)
    assert (made.state, made.problem()) == ("leased", "")


@pytest.mark.parametrize("mode", ["away", "revoked"])
async def test_after_the_grace_the_end_is_told_once_with_its_reason(tmp_path, mode, autojump_clock, nursery):
    """72 hours after what went wrong first, not an hour before."""
    made, server = gate(tmp_path)
    ended: list[str] = []
    made.on_end = ended.append
    await made.open()
    nursery.start_soon(made.run)
    server.mode = mode
    await trio.sleep(72 * HOUR)
    assert ended == []
    await trio.sleep(2 * HOUR)

    assert len(ended) == 1
    assert ("revoked" if mode == "revoked" else "nobody can be reached") in ended[0]


async def test_a_refusal_takes_the_kept_token_away_and_a_later_yes_brings_it_back(tmp_path, autojump_clock, nursery):
    """So that nobody starts on a revoked licence while the server is down."""
    made, server = gate(tmp_path)
    await made.open()
    nursery.start_soon(made.run)
    server.mode = "revoked"
    await trio.sleep(HOUR)
    assert made.state == "refused"
    assert not (tmp_path / NAME).exists()

    later, _ = gate(tmp_path, "away")
    with pytest.raises(LicenseError, match="no token"):
        await later.open()
    server.mode = "good"
    await trio.sleep(HOUR)
    assert made.state == "leased"
    assert (tmp_path / NAME).exists()


async def test_a_wall_clock_that_jumps_changes_nothing_while_the_engine_runs(tmp_path, autojump_clock, nursery):
    """Monotonic time counts from the server's word; the difference is told."""
    made, server = gate(tmp_path)
    ended: list[str] = []
    made.on_end = ended.append
    await made.open()
    nursery.start_soon(made.run)
    server.clock.off = 400 * HOUR
    await trio.sleep(HOUR)

    assert (made.state, ended) == ("leased", [])
    assert "clock is 400 h 0 min ahead" in made.problem()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda lines: [lines[0][:-8] + "AAAAAAAA", lines[1]], "not signed"),
        (lambda lines: ["nonsense", lines[1]], "not in the form"),
        (lambda lines: [lines[0], str(float(lines[1]) + 86_400)], "clock is behind"),
        (lambda lines: [lines[0]], "no token"),
        (lambda lines: [], "no token"),
    ],
)
async def test_a_kept_file_that_was_tampered_with_lets_nobody_start(tmp_path, change, why, autojump_clock):
    """The signature, the form, the time seen last."""
    made, _ = gate(tmp_path)
    await made.open()
    kept = tmp_path / NAME
    kept.write_text("\n".join(change(kept.read_text().splitlines())))

    later, _ = gate(tmp_path, "away")
    with pytest.raises(LicenseError, match=why):
        await later.open()


async def test_a_start_without_the_server_is_only_for_the_grace(tmp_path, autojump_clock):
    """By the machine's clock, which is all there is to go by."""
    made, _ = gate(tmp_path)
    await made.open()
    for off, starts in ((60 * HOUR, True), (80 * HOUR, False)):
        later, _ = gate(tmp_path, "away", off)
        if starts:
            await later.open()
            assert later.state == "grace"
        else:
            with pytest.raises(LicenseError, match="72 hours"):
                await later.open()
    assert rules.GRACE_S == 72 * HOUR
    assert json.dumps(str(made)) == '"valid, cluster prod"'
