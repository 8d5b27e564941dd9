"""A network of namespaces that can be cut: one namespace a peer, joined by a bridge that stands in one of its own.

Nothing is set up in the host's own namespace, so its firewall neither sees this traffic nor is changed, and deleting the
namespaces removes everything. Faults are rules of each receiver's own packet filter: a cut is a drop by source address, so
it may be one-way; loss is a drop by chance. Needs root, ``ip`` of iproute2, and for loss ``iptables`` with its statistic match or
``nft`` with numgen (netem is not in every kernel).
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

SUBNET = "10.203.0"
TAG = "chaos"
_NUMBERS = itertools.count()


class NoChaosHere(Exception):
    """This machine lacks something that the network needs; the text says what."""


def command(*words: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of the machine on ``text``; its failure is raised with what it said."""
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode != 0:
        raise NoChaosHere(f"{' '.join(words)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done


def need(*programs: str) -> None:
    """Raise what is missing, all of it at once, with the way out."""
    missing = [name for name in programs if shutil.which(name) is None]
    if os.geteuid() != 0:
        missing.insert(0, "root (network namespaces are made with `ip netns add`)")
    if missing:
        raise NoChaosHere(
            f"chaos needs {', '.join(missing)}; install iproute2 and iptables or nftables, and run as root"
        )


class Firewall:
    """Which dialect the packet filter understands, tried once on a namespace of the network."""

    def __init__(self, namespace: str) -> None:
        why = []
        for name in DIALECTS:
            if shutil.which(name) is None:
                why.append(f"{name} is not installed")
                continue
            self.name = name
            try:
                self.set(namespace, {"192.0.2.1"}, 1)
            except NoChaosHere as error:
                why.append(str(error))
            else:
                return
        raise NoChaosHere(f"no packet filter that can drop by chance: {'; '.join(why)}")

    def set(self, namespace: str, deaf_to: set[str], loss: int) -> None:
        """The whole filter of one namespace: whom it does not hear, and how many of a hundred packets it loses.

        One transaction: a cut that stands does not let a packet pass while another is made.
        """
        words, rules = DIALECTS[self.name]
        command("ip", "netns", "exec", namespace, *words, text="\n".join(rules(sorted(deaf_to), loss)) + "\n")


def _nft(deaf_to: list[str], loss: int) -> list[str]:
    rules = [f"ip saddr {address} drop" for address in deaf_to]
    if loss:
        rules.append(f'iifname "eth0" numgen random mod 100 < {loss} drop')
    chain = "add chain inet chaos hear { type filter hook input priority 0; policy accept; }"
    anew = ["add table inet chaos", "delete table inet chaos", "add table inet chaos", chain]
    return [*anew, *(f"add rule inet chaos hear {rule}" for rule in rules)]


def _iptables(deaf_to: list[str], loss: int) -> list[str]:
    rules = [f"-A INPUT -s {address} -j DROP" for address in deaf_to]
    if loss:
        rules.append(f"-A INPUT -i eth0 -m statistic --mode random --probability {loss / 100:.2f} -j DROP")
    return ["*filter", ":INPUT ACCEPT [0:0]", *rules, "COMMIT"]


DIALECTS = {"nft": (("nft", "-f", "-"), _nft), "iptables": (("iptables-restore",), _iptables)}


class Network:
    """Namespaces by name, each with one address, and the faults between them."""

    def __init__(self) -> None:
        need("ip")
        self._tag = f"{TAG}{os.getpid()}x{next(_NUMBERS)}"
        self._switch = f"{self._tag}-switch"
        self._addresses: dict[str, str] = {}
        self._firewall: Firewall | None = None
        self._cuts: set[tuple[str, str]] = set()
        self._loss: dict[str, int] = {}

    def up(self) -> None:
        """The namespace with the bridge."""
        command("ip", "netns", "add", self._switch)
        command("ip", "-n", self._switch, "link", "add", "bridge", "type", "bridge")
        command("ip", "-n", self._switch, "link", "set", "bridge", "up")
        self._firewall = Firewall(self._switch)
        self._firewall.set(self._switch, set(), 0)

    def add(self, name: str) -> str:
        """One more namespace, plugged into the bridge; its address."""
        number = len(self._addresses) + 1
        namespace, address, port = self.namespace(name), f"{SUBNET}.{number}", f"port{number}"
        command("ip", "netns", "add", namespace)
        self._addresses[name] = address
        command(
            "ip", "-n", self._switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace
        )
        command("ip", "-n", self._switch, "link", "set", port, "master", "bridge", "up")
        command("ip", "-n", namespace, "address", "add", f"{address}/24", "dev", "eth0")
        command("ip", "-n", namespace, "link", "set", "eth0", "up")
        command("ip", "-n", namespace, "link", "set", "lo", "up")
        return address

    def namespace(self, name: str) -> str:
        return f"{self._tag}-{name}"

    def prefix(self, name: str) -> list[str]:
        """What a command is begun with, so that it runs in the namespace of ``name``."""
        return ["ip", "netns", "exec", self.namespace(name)]

    def cut(self, one: Iterable[str], other: Iterable[str], *, one_way: bool = False) -> None:
        """Nothing from ``one`` reaches ``other`` any more; nor back, unless ``one_way``."""
        for a, b in itertools.product(one, other):
            self._cuts |= {(a, b)} if one_way else {(a, b), (b, a)}
        self._apply()

    def mend(self, one: Iterable[str], other: Iterable[str], *, one_way: bool = False) -> None:
        """What :meth:`cut` did to these is over; an overlapping cut ends with it."""
        for a, b in itertools.product(one, other):
            self._cuts -= {(a, b)} if one_way else {(a, b), (b, a)}
        self._apply()

    def lose(self, names: Iterable[str], percent: int) -> None:
        """Of what these receive, so many of a hundred packets are lost; none with 0."""
        self._loss |= dict.fromkeys(names, percent)
        self._apply()

    def heal(self) -> None:
        """No cut and no loss anywhere."""
        self._cuts.clear()
        self._loss.clear()
        self._apply()

    def _apply(self) -> None:
        assert self._firewall is not None, "the network is not up"
        for name in self._addresses:
            deaf_to = {self._addresses[a] for a, b in self._cuts if b == name}
            self._firewall.set(self.namespace(name), deaf_to, self._loss.get(name, 0))

    def down(self) -> None:
        """Remove every namespace, and with it its links and filters; processes in it must have ended before."""
        for namespace in [*map(self.namespace, self._addresses), self._switch]:
            subprocess.run(["ip", "netns", "delete", namespace], capture_output=True, check=False, timeout=120)


def sweep() -> None:
    """Remove namespaces of runs that were killed before they could: those whose owner is no process any more."""
    for line in command("ip", "netns", "list").stdout.splitlines():
        name = line.split(" ")[0]
        owner = name.removeprefix(TAG).partition("x")[0]
        if name.startswith(TAG) and owner.isdecimal() and not Path(f"/proc/{owner}").exists():
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False, timeout=120)


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """A network that is gone at the end, also on failure."""
    made = Network()
    sweep()
    try:
        made.up()
        yield made
    finally:
        made.down()
