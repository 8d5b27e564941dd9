"""A message that is being written: what was typed so far, and the request that it makes. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from chorus_tui.contract.models import hmmm as models
from chorus_tui.widgets.faults import faults

Kind = Literal["reasoning", "reply", "query", "proposal"]
KINDS: dict[Kind, str] = {
    "reasoning": "a thought, with the reasons for it",
    "reply": "a word under somebody's message",
    "query": "a question, to roles or to everybody",
    "proposal": "agreed when nobody objects in time",
}
OPERATIONS: dict[Kind, str] = {
    "reasoning": "hmmm.send", "reply": "hmmm.reply", "query": "hmmm.query", "proposal": "hmmm.propose",
}  # fmt: skip
STEPS = ("kind", "place", "content", "recipients", "preview")
PLACES = {
    "issue_id": "place", "thread_id": "place", "msg_id": "place", "message": "content", "reasoning": "content",
    "intent": "content", "citations": "content", "to_roles": "recipients", "priority": "recipients",
}  # fmt: skip
"""The step on which a field of the request is typed."""
NAMES = {"issue_id": "room", "thread_id": "thread", "msg_id": "message id", "message": "text", "to_roles": "roles"}


@dataclass(slots=True)
class Draft:
    """One message on its way."""

    kind: Kind = "reasoning"
    room: str = ""
    thread: str = ""
    msg_id: str = ""
    intent: str = ""
    text: str = ""
    reasoning: str = ""
    citations: str = ""
    roles: str = ""
    restricted: bool = False
    priority: models.Priority = "medium"
    decide: bool = False
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing worth keeping was typed."""
        return not f"{self.text}{self.reasoning}{self.citations}{self.roles}".strip()

    def use(self, template: models.Template) -> None:
        """Begin from a template."""
        self.kind, self.intent = template.kind, template.intent
        self.text, self.reasoning = template.message, template.reasoning

    def request(self) -> tuple[str, BaseModel]:
        """Operation and request. Raises :class:`ValidationError`."""
        common: dict[str, Any] = {
            "message": self.text.strip(), "reasoning": self.reasoning.strip(), "intent": self.intent.strip(),
            "citations": self._citations(), "to_roles": self.roles.replace(",", " ").split(), "restricted": self.restricted,
            "priority": self.priority,
        }  # fmt: skip
        place = {"issue_id": self.room.strip(), "thread_id": self.thread.strip()}
        made: BaseModel
        if self.kind == "reply":
            made = models.Reply(msg_id=self.msg_id.strip(), **common)
        elif self.kind == "query":
            made = models.Query(**place, **common)
        elif self.kind == "proposal":
            made = models.Propose(**place, **common, decide=self.decide)
        else:
            made = models.Say(**place, **common)
        return OPERATIONS[self.kind], made

    def check(self) -> dict[str, str]:
        """What is wrong, by field of the request; empty: it can be sent."""
        found: dict[str, str] = {}
        try:
            self.request()
        except ValidationError as error:
            found = _wrong(faults(error))
        if self.kind == "reasoning" and not self.reasoning.strip():
            found.setdefault("reasoning", "is needed: say why you think so")
        if self.restricted and not self.roles.strip():
            found.setdefault("to_roles", "name who may read it")
        return found

    def _citations(self) -> list[dict[str, str]]:
        """``address reason`` a line."""
        cited = [line.strip().partition(" ") for line in self.citations.splitlines() if line.strip()]
        return [{"address": address, "reason": reason.strip()} for address, _, reason in cited]

    def command(self) -> str:
        """The command line that says the same."""
        verb = {"reasoning": "send", "reply": "reply", "query": "query", "proposal": "propose"}[self.kind]
        words = ["chorus-tui", "hmmm", verb, self.msg_id if self.kind == "reply" else self.room, self.text.strip()]
        options = [("--thread", self.thread if self.kind != "reply" else ""), ("--intent", self.intent)]
        options += [("--reasoning", self.reasoning.strip())]
        options += [("--cite", "=".join(part for part in cited.values() if part)) for cited in self._citations()]
        options += [("--to-role", role) for role in self.roles.replace(",", " ").split()]
        options += [("--priority", self.priority if self.priority != "medium" else "")]
        for name, value in options:
            words += [name, value] if value else []
        words += ["--restricted"] if self.restricted else []
        words += ["--decide"] if self.decide and self.kind == "proposal" else []
        return " ".join(shlex.quote(word) for word in words)


def named(faults: dict[str, str]) -> list[str]:
    """Faults with the names that the wizard shows."""
    return [f"{NAMES.get(name, name)}: {words}" for name, words in faults.items()]


def _wrong(found: dict[str, str]) -> dict[str, str]:
    """By field of the request; of several faults in a list the first."""
    fields: dict[str, str] = {}
    for name, words in found.items():
        fields.setdefault(name.partition(".")[0], words)
    return fields
