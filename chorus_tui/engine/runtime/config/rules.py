"""What of two deployments does not go together. Pure: works on values as they were read, secrets among them, and repeats none.

Fatal is what keeps one of them from working, or the two from ever being one mesh. The rest is told, because it is seldom
meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chorus_tui.contract.models.operate import Clash

Values = Mapping[str, Any]
"""Read values by the name of their variable."""
PORTS = {
    "CHORUS_P2P_PORT": "CHORUS_P2P_HOST",
    "CHORUS_API_PORT": "CHORUS_API_HOST",
    "CHORUS_HEALTH_PORT": "CHORUS_HEALTH_HOST",
}
EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared, not listened on
FOUNDERS = ("CHORUS_ELECTION_PROFILE", "CHORUS_TASK_LEASE_S")
"""What counts for the mesh that a peer founds; of two founders one is overruled."""


def clashes(one: Values, other: Values, *, same_machine: bool) -> list[Clash]:
    """All of them, the fatal ones first. What only matters on one machine is fatal when both are to run on one."""
    found = [clash for rule in RULES for clash in rule(one, other)]
    found += [clash.model_copy(update={"fatal": same_machine}) for rule in ON_ONE_MACHINE for clash in rule(one, other)]
    return sorted(found, key=lambda clash: not clash.fatal)


def _ports(one: Values, other: Values) -> Iterator[Clash]:
    for mine, my_host in PORTS.items():
        for theirs, their_host in PORTS.items():
            port = one[mine]
            hosts = {str(one[my_host]), str(other[their_host])}
            if port and port == other[theirs] and (len(hosts) == 1 or hosts & EVERYWHERE):
                names = [mine] if mine == theirs else [mine, theirs]
                yield Clash(
                    names=names, what=f"both listen on port {port}",
                    advice="on one machine each needs its own, or 0 for any free one",
                )  # fmt: skip


def _same(name: str, what: str, advice: str) -> Callable[[Values, Values], Iterator[Clash]]:
    """A value that two peers must not share."""

    def rule(one: Values, other: Values) -> Iterator[Clash]:
        if one[name] and one[name] == other[name]:
            yield Clash(names=[name], what=what, advice=advice)

    return rule


def _network_key(one: Values, other: Values) -> Iterator[Clash]:
    name = "CHORUS_NETWORK_KEY"
    if one[name] == other[name]:
        return
    words = sorted(_key_in_words(str(values[name])) for values in (one, other))
    what = "two different keys" if words[0] == words[1] else f"one has {words[0]}, the other {words[1]}"
    yield Clash(
        names=[name], what=f"they are on different networks: {what}", advice="give both the key that 'chorus-tui invite' shows"
    )  # fmt: skip


def _key_in_words(key: str) -> str:
    return {"": "no key (its user's own, this machine only)", "open": "no network key at all (open)"}.get(
        key.lower(), "a key"
    )


def _meeting(one: Values, other: Values) -> Iterator[Clash]:
    """Something has to bring them together."""
    by_mdns = one["CHORUS_MDNS_ENABLED"] and other["CHORUS_MDNS_ENABLED"]
    if by_mdns or one["CHORUS_BOOTSTRAP_PEERS"] or other["CHORUS_BOOTSTRAP_PEERS"]:
        return
    yield Clash(
        names=["CHORUS_BOOTSTRAP_PEERS", "CHORUS_MDNS_ENABLED"],
        what="nothing brings them together: neither names a peer to dial, and mDNS is off",
        advice="set CHORUS_BOOTSTRAP_PEERS on one of them to the other's address",
    )


def _founding(one: Values, other: Values) -> Iterator[Clash]:
    name = "CHORUS_ELECTION_EXPECT"
    if one[name] != other[name]:
        low, high = sorted((one[name], other[name]))
        yield Clash(
            names=[name], what=f"one founds a mesh when {low} peers are here, the other when {high}", fatal=low == 1,
            advice="give all first peers the same number, or the one that waits less founds a mesh of its own",
        )  # fmt: skip
    for name in FOUNDERS:
        if one[name] != other[name]:
            yield Clash(
                names=[name], what="they differ, and only the founder's counts", advice="set it alike", fatal=False
            )


def _loopback(one: Values, other: Values) -> Iterator[Clash]:
    hosts = [str(values["CHORUS_P2P_HOST"]) for values in (one, other)]
    local = [host.startswith("127.") or host in ("localhost", "::1") for host in hosts]
    if any(local) and not all(local):
        yield Clash(
            names=["CHORUS_P2P_HOST"], what="one listens for peers on its own machine only", fatal=False,
            advice="on two machines set it to 0.0.0.0 or an address the other reaches",
        )  # fmt: skip


def _dht(one: Values, other: Values) -> Iterator[Clash]:
    name = "CHORUS_DHT_ENABLED"
    if one[name] != other[name]:
        yield Clash(
            names=[name], what="only one of them takes part in the DHT", fatal=False,
            advice="set it alike, or leave it so: records are found without it"
        )  # fmt: skip


RULES: tuple[Callable[[Values, Values], Iterator[Clash]], ...] = (
    _network_key,
    _meeting,
    _founding,
    _loopback,
    _dht,
)
ON_ONE_MACHINE: tuple[Callable[[Values, Values], Iterator[Clash]], ...] = (
    _ports,
    _same(
        "CHORUS_DATA_DIR",
        "both use one data folder: on one machine the second engine does not start",
        "give each its own",
    ),
    _same("CHORUS_AGENT_ID", "both go by one name", "give each its own, or leave it out: a name is made from the key"),
)
