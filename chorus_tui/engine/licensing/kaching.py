"""The licence server (KACHING): three questions over HTTP, each answered by a signed statement about exactly this question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chorus_tui import __version__
from chorus_tui.engine import http_exchange
from chorus_tui.engine.clock import Entropy
from chorus_tui.engine.http_exchange import NoAnswer
from chorus_tui.engine.licensing import rules
from chorus_tui.engine.licensing.license import fingerprint
from chorus_tui.engine.licensing.statement import NONCE_BYTES, Lease, NotSigned, Refusal, read

Question = Literal["activate", "heartbeat", "release"]
RELEASE_S = 2.0


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to ask, in whose name. ``public_key`` are 32 bytes; ``within_s`` bounds one question."""

    url: str
    license_id: str
    cluster: str
    node: str
    public_key: bytes
    within_s: float

    @property
    def holder(self) -> rules.Holder:
        """As statements name it."""
        return rules.Holder(fingerprint(self.license_id), self.cluster, self.node)

    def __repr__(self) -> str:
        return f"Account({self.url}, {self.cluster}, {self.node})"


class Kaching:
    """Asks. A statement that is older than the question, or about somebody else, is no answer."""

    def __init__(self, account: Account, entropy: Entropy) -> None:
        self._account = account
        self._entropy = entropy

    async def ask(self, question: Question) -> tuple[Lease | Refusal, str]:
        """The statement, and its text to keep. Raises :class:`NoAnswer`."""
        account, nonce = self._account, self._entropy.bytes(NONCE_BYTES).hex()
        body = {
            "license_id": account.license_id, "cluster_id": account.cluster, "node_id": account.node,
            "nonce": nonce, "version": __version__,
        }  # fmt: skip
        within = account.within_s if question != "release" else min(RELEASE_S, account.within_s)
        answer = await http_exchange.ask("POST", f"{account.url}/v1/license/{question}", within_s=within, body=body)
        if answer.status not in (200, 403):
            raise NoAnswer(f"it answered with status {answer.status}")
        text = answer.json().get("token")
        try:
            said = read(text, account.public_key)
        except NotSigned as error:
            raise NoAnswer(f"its answer does not count: {error}") from None
        other = rules.stranger(said, account.holder)
        if said.nonce != nonce:
            other = "it answers another question"
        if other:
            raise NoAnswer(f"its answer does not count: {other}")
        return said, str(text)
