"""Word lists of the master key: who may split, who keeps, what gives it back when everything else is gone."""

from __future__ import annotations

import pytest

from chorus_tui.contract.models import vault as models
from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.operations import Scope
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.api.doors import Caller
from chorus_tui.engine.vault.doors import VaultDoors
from chorus_tui.engine.vault.key_file import InMemory
from tests.simulation.engines import until
from tests.simulation.keyholders import ALL, Holders, holders

HERE = Caller(Scope.ADMIN, "ada", "socket")
OTHERS = (Caller(Scope.ADMIN, "ada", "tcp"), Caller(Scope.ADMIN, "a guest", "socket", token="0" * 64))


async def ask(at: Holders, name: str, operation: str, request: object = None, caller: object = HERE):
    """As the API does."""
    return await VaultDoors(at.services[name]).handlers()[operation](request or Empty(), caller)


async def split(at: Holders, name: str, *to: str) -> models.WordLists:
    return await ask(at, name, "vault.split", models.SplitMaster(to=list(to)))


def given(*lists: str) -> models.GiveWords:
    return models.GiveWords(lists=list(lists))


async def test_the_last_founder_has_the_master_key_back_after_everything_was_lost(autojump_clock):
    """Every master's key file is gone, the mesh lost its majority; who founds it anew opens what was sealed to masters with three
    lists: two from a peer's care, one from paper."""
    async with holders(21, "ada", "bob", "cyd") as at:
        await at.grant("ada", "bob", authority="master")
        await at.holds("bob", *ALL)
        made = await split(at, "ada", "cyd", "cyd")
        paper = [one.words for one in made.lists if one.words]
        sealed = at.vaults["cyd"].seal_file(b"for masters", ["master"])
        await until("told", lambda: len(at.services["cyd"].told.word_lists) == 2)
        for name in ("ada", "cyd"):
            at.kill(name)
        images = at.kill("bob")
        at.disks["bob"] = InMemory()
        bob = await at.start("bob", images=images)
        await until("no majority", lambda: not bob.control.admin_reachable(), 300)
        await bob.control.merging.refound()
        cared = await ask_of_the_dead(at, "cyd")

        assert at.opens("bob", sealed) is None
        with pytest.raises(Problem, match="1 more is missing"):
            await ask(at, "bob", "vault.recover", given(cared[0], paper[0]))
        answer = await ask(at, "bob", "vault.recover", given(cared[1], paper[2], cared[0]))
        assert (answer.keyring, answer.was_here) == ("master", False)
        assert at.opens("bob", sealed) == b"for masters"


async def ask_of_the_dead(at: Holders, name: str) -> list[str]:
    """What its engine would show: the lists in its care."""
    answer = await ask(at, name, "vault.shares")
    assert {one.number for one in answer.lists} == {1, 2}
    return [one.words for one in answer.lists]


async def test_nobody_is_given_a_third_list(autojump_clock):
    """Nor this peer one of its own; and a refused split has handed nothing over."""
    async with holders(22, "ada", "bob") as at:
        await at.holds("ada", *ALL)
        for to, says in ((("bob",) * 3, "may have 2"), (("ada",), "is this peer"), (("eve",), "is no member")):
            with pytest.raises(Problem, match=says):
                await split(at, "ada", *to)

        assert not at.services["ada"].told.word_lists


async def test_words_are_for_the_engines_own_user(autojump_clock):
    """Not over a port and not for a guest of a portal, with the most able token either; and only masters split, rehearse and recover."""
    async with holders(23, "ada", "bob") as at:
        await at.holds("bob", "coordination")
        three = given("a", "b", "c")
        for operation, request in (
            ("vault.split", models.SplitMaster()), ("vault.rehearse", three), ("vault.recover", three), ("vault.shares", Empty()),
        ):  # fmt: skip
            for other in OTHERS:
                with pytest.raises(Problem, match="engine's own user"):
                    await ask(at, "ada", operation, request, other)
        for operation, request in (
            ("vault.split", models.SplitMaster()),
            ("vault.rehearse", three),
            ("vault.recover", three),
        ):
            with pytest.raises(Problem, match="Only a master"):
                await ask(at, "bob", operation, request)


async def test_a_rehearsal_counts_for_the_version_it_gave(autojump_clock):
    """All peers say so; with a new version of the master key they say again that it has no recovery. Lists of another key count
    for nothing."""
    async with holders(24, "ada", "bob") as at:
        await at.holds("ada", *ALL)
        made = await split(at, "ada")
        other = await split(at, "ada")
        words = [one.words for one in made.lists]
        with pytest.raises(Problem, match="not of the same split"):
            await ask(at, "ada", "vault.rehearse", given(words[0], words[1], other.lists[2].words))
        answer = await ask(at, "ada", "vault.rehearse", given(*words[2:]))
        assert answer.recovery.startswith("3 of 5 word lists, rehearsed on ")
        status = await ask(at, "bob", "vault.status")
        await until("told", lambda: at.services["bob"].keyrings.of(at.at.peers["bob"].control.mesh_id).roster.rehearsed)
        status = await ask(at, "bob", "vault.status")
        assert status.recovery == answer.recovery
        await ask(at, "ada", "vault.rotate", models.RotateKeyring(keyring="master"))
        after = await ask(at, "ada", "vault.status")

        assert after.recovery.startswith("no recovery of version 2: the word lists rehearsed on ")


async def test_a_grant_says_whether_the_keys_have_arrived(autojump_clock):
    """By the member's own word: at once for one in reach, named as missing for one that is away."""
    async with holders(25, "ada", "bob", "cyd", "dan") as at:
        for name in ("bob", "cyd", "dan"):
            await at.holds(name, "coordination")
        there = await ask(at, "ada", "vault.grant", models.GrantKeys(member="bob", authority="decision", timeout_s=60))
        at.kill("dan")
        away = await ask(at, "ada", "vault.grant", models.GrantKeys(member="dan", authority="decision", timeout_s=5))
        with pytest.raises(Problem) as caught:
            await ask(at, "ada", "vault.grant", models.GrantKeys(member="bob"))
        with pytest.raises(Problem) as no_keyring:
            await ask(at, "ada", "vault.rotate", models.RotateKeyring(keyring="role:nobody"))

        assert (there.missing, "decision" in there.arrived) == ([], True)
        assert away.missing == ["decision"]
        assert "authority" in caught.value.fields
        assert "keyring" in no_keyring.value.fields
        roles = await ask(at, "ada", "vault.roles")
        (decision,) = [one for one in roles.keyrings if one.keyring == "decision"]
        assert (decision.held_by, decision.waiting) == (["ada", "bob"], ["dan"])
        assert roles.custodian == "ada"


def test_words_are_in_no_repr():
    """So they are in no log line and no report of an error that shows its values."""
    shown = models.WordList(number=1, words="academic acid"), models.GiveWords(lists=["academic acid"])
    assert "academic" not in repr(shown)
