"""``members persons|enrol|withdraw``: whose keys count as whose voice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from chorus_tui.contract import ssh_key
from chorus_tui.contract.models import election as models
from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.problem import invalid
from chorus_tui.engine.control import entries
from chorus_tui.engine.control.asking import ask_admin
from chorus_tui.engine.control.interface import Control, Person


class Enrolling:
    """Answers for one control service."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation."""
        return {"members.persons": self.persons, "members.enrol": self.enrol, "members.withdraw": self.withdraw}

    async def persons(self, _request: Empty, _caller: Any) -> models.PersonList:
        """Everybody who was ever enrolled, by name."""
        return models.PersonList(mesh_id=self._control.mesh_id, persons=enrolled(self._control))

    async def enrol(self, request: models.EnrolPerson, _caller: Any) -> models.Decided:
        """One more key; the authority is the person's from now on."""
        data = {"person": _name(request.person), "key": _key(request.key), "authority": request.authority}
        return models.Decided(index=await ask_admin(self._control, entries.PERSON_ENROLLED, data))

    async def withdraw(self, request: models.WithdrawPerson, _caller: Any) -> models.Decided:
        """One key or all of them; what was closed before stays."""
        person = self._control.persons.get(name := _name(request.person))
        keys = person.keys if person else ()
        wanted = request.key.strip()
        if wanted.startswith("SHA256:"):
            key = next((one for one in keys if ssh_key.fingerprint_of(one) == wanted), "")
        else:
            key = _key(wanted) if wanted else ""
        if not keys or (wanted and key not in keys):
            field, what = ("key", "has no such key") if keys else ("person", "is not enrolled")
            raise invalid({field: f"{name} {what}; 'chorus-tui members persons' shows who is"})
        return models.Decided(
            index=await ask_admin(self._control, entries.PERSON_WITHDRAWN, {"person": name, "key": key})
        )


def enrolled(control: Control) -> list[models.PersonView]:
    """By name."""
    return [_view(person) for _, person in sorted(control.persons.items())]


def _view(person: Person) -> models.PersonView:
    keys = [models.PersonKey(key=key, fingerprint=ssh_key.fingerprint_of(key)) for key in person.keys]
    gone = [ssh_key.fingerprint_of(key) for key in person.former]
    return models.PersonView(name=person.name, authority=person.authority, keys=keys, withdrawn=gone)


def _name(name: str) -> str:
    try:
        return ssh_key.person_name(name)
    except ValueError as error:
        raise invalid({"person": str(error)}) from error


def _key(text: str) -> str:
    try:
        return ssh_key.signing_key(text)
    except ValueError as error:
        raise invalid({"key": str(error)}) from error
