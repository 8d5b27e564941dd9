"""The real portal in this terminal, on a scripted engine with one decision that an enrolled person may vote on:
``python -m … PUBLIC_KEY FOLDER``. What it is asked to take as a vote it writes to ``vote.json`` in the folder, which keeps what is chosen, too.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from chorus_tui.app import ChorusApp
from chorus_tui.contract.models.election import PersonKey, PersonList, PersonView
from chorus_tui.contract.ssh_key import fingerprint_of, signing_key
from tests.ui.fake_engine import FakeEngine
from tests.ui.votes import filled


def enrolled(engine: FakeEngine, public: str, name: str = "ana") -> FakeEngine:
    """The first decision is one that the holder of this key may vote on."""
    key = signing_key(public)
    engine.decisions[0] = engine.decisions[0].model_copy(update={"persons": [name], "revisions": {name: 3}})
    held = PersonKey(key=key, fingerprint=fingerprint_of(key))
    engine.persons = PersonList(mesh_id=None, persons=[PersonView(name=name, authority="decision", keys=[held])])
    return engine


class Written(FakeEngine):
    """Keeps the vote."""

    folder = Path()

    async def call(self, operation: str, request: BaseModel | None = None) -> Any:
        if operation == "decisions.vote" and request is not None:
            (self.folder / "vote.json").write_text(request.model_dump_json(), encoding="utf-8")
        return await super().call(operation, request)


def main() -> None:
    """Until it is left."""
    engine = Written()
    engine.decisions = filled().decisions
    engine.folder = Path(sys.argv[2])
    enrolled(engine, sys.argv[1])

    async def connect(_progress: Any) -> Any:
        return engine

    ChorusApp(connect, first="decide", folder=engine.folder).run()


if __name__ == "__main__":
    main()
