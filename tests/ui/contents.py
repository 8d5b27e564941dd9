"""Contents for the pictures: real rules over a few versions that three peers wrote."""

from __future__ import annotations

import base64
import hashlib
import json
from types import SimpleNamespace
from typing import Any

from chorus_tui.contract import ucxl
from chorus_tui.contract.models import ucxl as models
from chorus_tui.contract.ucxl import Temporal
from chorus_tui.engine.protocol.messages.ucxl import UcxlVersion
from chorus_tui.engine.ucxl import rules
from chorus_tui.engine.ucxl.book import Book
from chorus_tui.engine.ucxl.difference import compare
from chorus_tui.engine.ucxl.doors import as_problem
from chorus_tui.engine.ucxl.interface import ContentError
from chorus_tui.engine.ucxl.rules import Told
from chorus_tui.engine.ucxl.views import Views
from tests.ui.fake_engine import IDS, NOW, FakeEngine

PLAN = "ucxl://grace:developer@shop:api/*^/notes/plan.md"
CODE = "ucxl://ada:developer@shop:total/*^/src/total.py"
NAMES = dict(zip(IDS, ("ada", "grace", "linus", "you"), strict=True))
PLAN_1 = "# Store\n\nWhich database?\n\n- PostgreSQL\n- SQLite\n"
PLAN_2 = "# Store\n\nPostgreSQL, because of its transactions.\n\n- PostgreSQL\n"
PLAN_3 = "# Store\n\nSQLite will do, as long as one process writes.\n\n- SQLite\n"
CODE_1 = 'def total(prices: list[int]) -> int:\n    """In cents."""\n    return sum(prices)  # [bold]no markup[/bold]\n'


class Contents:
    """Answers what the screen asks."""

    def __init__(self) -> None:
        self.book = Book(
            lambda: lambda told: told.at[0] < (NOW - 150) * 1000, lambda _author: True, lambda _named: True
        )
        self.texts: dict[str, bytes] = {}
        parts: Any = SimpleNamespace(control=SimpleNamespace(name=lambda peer: NAMES.get(peer, peer)), me=IDS[3])
        self.views = Views(parts, self.book)
        self.unreadable: dict[str, ContentError] = {}

    def write(
        self, place: str, text: str | None, author: int, ago: float, parents: list[str] | None = None, **said: Any
    ) -> str:
        """One version; ``text`` None removes."""
        entry = hashlib.sha256(f"{place} {author} {ago}".encode()).hexdigest()
        data = (text or "").encode()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.texts[digest] = data
        body = {"digest": "", "tombstone": True} if text is None else {"digest": digest, "size": len(data)}
        follows = self.book.heads(place) if parents is None else parents
        message = UcxlVersion.model_validate({"place": place, "parents": follows, **body, **said})
        told = Told(entry, IDS[author], (int((NOW - ago) * 1000), 0), message)
        self.book._told.setdefault(place, {})[entry] = told
        self.book._addresses[place] = ucxl.parse(place)
        self.book._ordered.pop(place, None)
        self.book._siblings.pop(place, None)
        return entry

    def __call__(self, operation: str, asked: Any) -> Any:
        try:
            return getattr(self, operation.removeprefix("ucxl."))(asked)
        except ContentError as error:
            raise as_problem(error) from error

    def _find(self, address: str) -> Any:
        parsed = ucxl.parse(address)
        if not parsed.concrete:
            fitting = [one for place, one in self.book.places().items() if parsed.covers(one) and self.book.live(place)]
            parsed = rules.one_of(parsed, fitting)
        return rules.pick(self.book.versions(parsed.place), parsed.temporal, parsed.place)

    def get(self, asked: models.AddressRef) -> models.Content:
        version = rules.readable(self._find(asked.address))
        if version.place in self.unreadable:
            raise self.unreadable[version.place]
        data = base64.b64encode(self.texts[version.digest]).decode()
        return models.Content(version=self.views.version(version), data=data, newest=self.book.heads(version.place))

    def history(self, asked: models.AddressRef) -> models.History:
        version = self._find(str(ucxl.parse(asked.address).of(ucxl.LATEST)))
        return models.History(place=version.place, versions=self.views.history(version.place))

    def navigate(self, asked: models.Navigate) -> models.NavigationStep:
        version = self._find(asked.address)
        return models.NavigationStep(
            place=version.place, from_version=version.n, to_version=version.n, maximum=len(self.book.order(version.place)),
            operation=asked.operation, timestamp=NOW, success=True, version=self.views.version(version),
        )  # fmt: skip

    def diff(self, asked: models.DiffContent) -> models.Diff:
        after, before = self._find(asked.address), self._find(asked.against)
        texts = [self.texts[one.digest].decode() for one in (before, after)]
        found = compare(texts[0], texts[1], (asked.against, asked.address), equal=texts[0] == texts[1])
        rows = [self.views.version(one) for one in (before, after)]
        return models.Diff(
            before=rows[0], after=rows[1], equal=found.equal, lines=found.lines, note=found.note, texts=texts
        )

    def tree(self, asked: models.ReadTree) -> models.Tree:
        return self.views.tree(asked.under)

    def places(self, asked: models.ListPlaces) -> models.PlaceList:
        return self.views.places(asked.limit)

    def search(self, asked: models.SearchContent) -> models.Hits:
        hits = [
            models.Hit(row=row, line=3, snippet="PostgreSQL, because of its transactions.")
            for row in self.views.places(100).places
        ]
        return models.Hits(hits=hits[:1], looked_at=len(hits), cut="1 sealed to others")

    def put(self, asked: models.PutContent) -> models.Put:
        text = base64.b64decode(asked.data).decode()
        self.write(ucxl.parse(asked.address).place, text, 3, 0, asked.parents)
        return models.Put(version=self.views.version(self._find(asked.address)), held_by=2, reachable=3)

    def remove(self, asked: models.RemoveContent) -> models.Put:
        self.write(asked.address, None, 3, 0)
        return models.Put(version=self.views.version(self._find(asked.address)))


RECORD = "ucxl://grace:developer@shop:decisions/*^/decisions/01ARZ3NDEKTSV4RRFFQ69G5FC2"
"""Where the record of a decision lies."""


def kept(contents: Contents, where: str = RECORD) -> str:
    """A record under an address; its text."""
    votes = [
        {"by": IDS[0], "choice": "approve", "entry": "cc" * 32, "epoch": "dd" * 16, "seq": 7},
        {"by": IDS[2], "choice": "reject", "entry": "ab" * 32, "epoch": "ac" * 16, "seq": 3},
        {
            "by": IDS[1], "choice": "approve", "entry": "ee" * 32, "epoch": "dd" * 16, "seq": 9, "person": "Ana", "text": "{}",
            "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f", "signature": "-----BEGIN …",
        },
    ]  # fmt: skip
    said = {
        "id": "01ARZ3NDEKTSV4RRFFQ69G5FC2", "ucxl": RECORD, "title": "Merge on [green] only", "body": "Else main is red.", "kind": "decision",
        "made_by": IDS[1], "made_at": "2030-01-31T12:00:00Z", "mesh_id": "3e" * 32, "proposal": "aa" * 32, "closing": "bb" * 32,
        "outcome": "passed", "chosen": "approve", "tally": {"approve": 2, "reject": 1, "abstain": 0}, "eligible": [*IDS], "persons": ["Ana"],
        "threshold": "majority", "quorum": "1/2", "votes": votes, "citations": [], "supersedes": None, "task_id": None, "note": {"new": 1},
    }  # fmt: skip
    text = json.dumps(
        {"record": said, "signed_by": IDS[0], "sig": "0f" * 64}, separators=(",", ":"), ensure_ascii=False
    )
    contents.write(where, text, 0, 250, media_type=models.RECORD_TYPE, tags=["record"])
    return text


def filled() -> FakeEngine:
    """A plan that two wrote at once, and some code."""
    engine, contents = FakeEngine(), Contents()
    first = contents.write(PLAN, PLAN_1, 1, 400, media_type="text/markdown", tags=["plan"])
    contents.write(PLAN, PLAN_2, 0, 100, [first], media_type="text/markdown", description="decided, I think")
    contents.write(PLAN, PLAN_3, 2, 90, [first], media_type="text/markdown")
    contents.write(CODE, CODE_1, 0, 300, media_type="text/x-python")
    contents.write(
        "ucxl://linus:reviewer@web:site/*^/review.md", "Fine.\n", 2, 200, readers=["role:reviewer", "master"]
    )
    engine.contents = contents
    return engine


def version(place: str, n: int) -> str:
    """The address of one version."""
    return str(ucxl.parse(place).of(Temporal("version", n)))
