"""What people and programs ask of the vault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from chorus_tui.contract.models import vault as models
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.control import entries
from chorus_tui.engine.control.asking import ask_admin, find_member
from chorus_tui.engine.control.interface import NoMesh, NotAdmin, Refused
from chorus_tui.engine.vault import rules
from chorus_tui.engine.vault.age_identity import AgeKeyError
from chorus_tui.engine.vault.keyrings import MeshKeys
from chorus_tui.engine.vault.recovering import Recovering
from chorus_tui.engine.vault.service import KeyService
from chorus_tui.engine.vault.wording import held_words, recovery_words

Handler = Callable[[Any, Any], Awaitable[Any]]


class VaultDoors:
    """The operations of this feature."""

    def __init__(self, service: KeyService) -> None:
        self._service = service
        self._recovering = Recovering(service)

    def handlers(self) -> dict[str, Handler]:
        """By operation name."""
        own: dict[str, Handler] = {
            "vault.roles": self.roles, "vault.status": self.status, "vault.grant": self.grant, "vault.rotate": self.rotate,
        }  # fmt: skip
        return {**own, **self._recovering.handlers()}

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def roles(self, _request: Any, _caller: Any) -> models.Roles:
        """Every keyring that there is or should be."""
        service, control = self._service, self._service.parts.control
        keys = service.keyrings.of(control.mesh_id)
        found = rules.custodian(control.members, control.admin, service.parts.present())
        known = dict.fromkeys([*rules.needed(control.members.values()), *keys.roster.keyrings])
        return models.Roles(
            mesh_id=control.mesh_id, custodian=control.name(found) if found else "",
            keyrings=[self._view(keys, keyring) for keyring in known] if control.mesh_id else [],
            keys=held_words(service), recovery=recovery_words(keys),
        )  # fmt: skip

    def _view(self, keys: MeshKeys, keyring: str) -> models.KeyringView:
        service, control = self._service, self._service.parts.control
        version = len(keys.versions(keyring))
        entitled = keys.entitled(keyring)
        holders = [who for who in entitled if version and service.has(who, keyring, version)]
        return models.KeyringView(
            keyring=keyring, version=version, recipient=keys.present(keyring) or "",
            mine=service.holding(control.mesh_id).get(keyring, []), entitled=service.parts.me in entitled,
            held_by=sorted(control.name(who) for who in holders),
            waiting=sorted(control.name(who) for who in entitled if who not in holders) if version else [],
            renewed_soon=keyring in keys.stale,
        )  # fmt: skip

    async def status(self, _request: Any, _caller: Any) -> models.VaultStatus:
        """In two lines."""
        keys = self._service.keyrings.of(self._service.parts.control.mesh_id)
        return models.VaultStatus(keys=held_words(self._service), recovery=recovery_words(keys))

    # ── acting ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def grant(self, request: models.GrantKeys, _caller: Any) -> models.Granted:
        """As ``members grant``; waits for the member's own word that it holds what it may."""
        service, control = self._service, self._service.parts.control
        peer_id = find_member(control, request.member)
        data = {k: v for k, v in (("authority", request.authority), ("role", request.role)) if v is not None}
        if not data:
            raise invalid({"authority": "name what to grant: authority or role"})
        index = await ask_admin(control, entries.MEMBER_CHANGED, {"peer_id": peer_id, **data})
        with trio.move_on_after(request.timeout_s):
            while control.commit < index or self._waits(peer_id):  # noqa: ASYNC110 - what is awaited is another peer's word
                await trio.sleep(0.1)
        member = control.members.get(peer_id)
        may = [k for k in rules.needed(control.members.values()) if rules.may_hold(member, k)]
        missing = [keyring for keyring in may if not service.has_newest(peer_id, keyring)]
        return models.Granted(
            index=index, member=control.name(peer_id), arrived=[k for k in may if k not in missing], missing=missing,
        )  # fmt: skip

    def _waits(self, peer_id: str) -> bool:
        control = self._service.parts.control
        member = control.members.get(peer_id)
        known = rules.needed(control.members.values())
        return any(rules.may_hold(member, k) and not self._service.has_newest(peer_id, k) for k in known)

    async def rotate(self, request: models.RotateKeyring, _caller: Any) -> models.Rotated:
        """A master's word that a keyring gets a new key."""
        service, control = self._service, self._service.parts.control
        keys = service.keyrings.of(control.mesh_id)
        known = [*rules.needed(control.members.values()), *keys.roster.keyrings]
        if request.keyring not in known:
            raise invalid({"keyring": f"there is none of this name; keyrings: {', '.join(dict.fromkeys(known))}"})
        if not control.may(service.parts.me, "grant_roles"):
            raise Problem(403, "refused", "The keyring gets no new key", "Only a master gives keyrings new keys.")
        try:
            version = await service.set_next(control.mesh_id or "", request.keyring)
        except Refused as error:
            raise Problem(403, "refused", "The keyring gets no new key", str(error)) from error
        except (NotAdmin, NoMesh) as error:
            raise Problem(503, "no_admin", "No admin can decide this now", str(error)) from error
        except AgeKeyError as error:
            raise Problem(507, "disk", "The new key cannot be kept", str(error)) from error
        return models.Rotated(keyring=request.keyring, version=version)
