"""What follows from what was seen on a machine: a verdict and the way out. Pure.

Only what keeps an engine from starting or from working fails; what makes it work less well is a warning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from chorus_tui.contract.models.operate import Finding
from chorus_tui.engine.licensing.rules import SKEW_S

NETWORK_FILE_SYSTEMS = frozenset(
    {
        "9p", "afs", "beegfs", "ceph", "cifs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "fuse.rclone", "gfs2", "glusterfs",
        "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "smb", "smb2", "smb3", "smbfs", "virtiofs", "vmhgfs",
    }
)  # fmt: skip
"""Where SQLite's write-ahead log does not hold what it promises."""
PASSING_FILE_SYSTEMS = frozenset({"overlay", "tmpfs", "ramfs"})
LEAST_PYTHON, TESTED_PYTHON = (3, 11), (3, 13)
LITTLE_DISK, TIGHT_DISK = 512 << 20, 2 << 30
FEW_DESCRIPTORS = 1024
BUILT_S = 1_767_225_600.0
"""A clock before 2026 is wrong: this program is younger."""


def python(version: tuple[int, int, int]) -> Finding:
    """The interpreter."""
    found = ".".join(map(str, version))
    if version[:2] < LEAST_PYTHON:
        return Finding(name="Python", verdict="fail", found=found, advice="Python 3.11 or newer is needed")
    if version[:2] > TESTED_PYTHON:
        return Finding(name="Python", verdict="warn", found=found, advice="tested up to 3.13; use one of 3.11 to 3.13")
    return Finding(name="Python", verdict="ok", found=found)


def library(installed: str, wanted: str) -> Finding:
    """libp2p, which this program patches in exactly one version."""
    if installed == wanted:
        return Finding(name="libp2p", verdict="ok", found=installed)
    return Finding(
        name="libp2p", verdict="fail", found=f"{installed or 'not installed'}; this program patches {wanted} only",
        advice=f"pip install libp2p=={wanted}",
    )  # fmt: skip


def settings(problems: Sequence[str], warnings: Sequence[str]) -> Finding:
    """The environment as a whole; ``config check`` shows it."""
    if problems:
        advice = "correct them; chorus-tui config check shows every value and where it comes from"
        return Finding(name="settings", verdict="fail", found="; ".join(problems), advice=advice)
    if warnings:
        return Finding(
            name="settings", verdict="warn", found="; ".join(warnings), advice="chorus-tui config check shows all"
        )
    return Finding(name="settings", verdict="ok", found="all can be used")


def license_(kind: str, problem: str) -> Finding:
    """``kind`` in words when one was found good; else ``problem``."""
    if not problem:
        return Finding(name="licence", verdict="ok", found=kind)
    found, _, advice = problem.partition("\n")
    return Finding(
        name="licence", verdict="fail", found=found, advice=" ".join(advice.split()) or "set CHORUS_LICENSE_ID"
    )


@dataclass(frozen=True, slots=True)
class LicenceServerSeen:
    """``problem``: why it gave no answer that counts; ``refusal``: why not, in its words."""

    url: str
    problem: str = ""
    refusal: str = ""
    valid_until: str = ""
    """The day on which the licence ends."""
    ahead_s: float | None = None
    """Seconds that this machine's clock is ahead of the server's."""
    not_kept: str = ""
    """Without an answer: why nothing is kept that the next start runs on; empty when something is."""
    seat_left: bool = False
    """It did not hear that the seat which was taken for the question is free again."""


def licence_server(seen: LicenceServerSeen) -> Finding:
    """Who decides whether the next start succeeds."""
    if seen.problem:
        advice = "see whether it is reachable from here, and whether CHORUS_KACHING_URL and CHORUS_KACHING_PUBLIC_KEY are its own"
        after = "the next start runs on the kept lease"
        if seen.not_kept:
            after = f"no engine starts without its answer: {seen.not_kept}"
        return Finding(
            name="licence", verdict="fail" if seen.not_kept else "warn", found=f"{seen.url}: {seen.problem}; {after}", advice=advice
        )  # fmt: skip
    if seen.refusal:
        words, _, advice = seen.refusal.partition(". ")
        return Finding(name="licence", verdict="fail", found=f"{seen.url}: {words}", advice=advice)
    found = f"{seen.url} answers: valid until {seen.valid_until}"
    if seen.seat_left:
        return Finding(
            name="licence", verdict="warn", found=f"{found}; it did not hear that the seat of this question is free again",
            advice="one node of the licence may stay in use until the lease of this question ends",
        )  # fmt: skip
    return Finding(name="licence", verdict="ok", found=found)


def licence_of_engine(checks: Sequence[Mapping[str, str]]) -> Finding | None:
    """The licence as the engine that runs knows it; None when it does not say."""
    check = next((one for one in checks if one.get("name") == "licence"), None)
    if check is None:
        return None
    if check["level"] == "healthy":
        return Finding(name="licence", verdict="ok", found=f"the engine that runs says: {check['detail']}")
    return Finding(
        name="licence", verdict="warn", found=f"the engine that runs says: {check['detail']}",
        advice="mend it before its grace ends, or before it is started again",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DockerSeen:
    """``problem``: why it does not answer, in its own words. ``socket``: what of its socket was found."""

    needed: bool
    available: bool
    version: str = ""
    problem: str = ""
    socket: Literal["usable", "missing", "forbidden", "not a socket"] = "usable"
    path: str = ""
    user: str = ""
    languages: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()


def docker(seen: DockerSeen) -> list[Finding]:
    """The engine that runs tasks, its images, its known weaknesses."""
    if not seen.available:
        return [_no_docker(seen)]
    images = Finding(name="images", verdict="ok", found=", ".join(seen.languages))
    if not seen.languages:
        images = Finding(
            name="images", verdict="warn" if seen.needed else "ok", found="no image of a language is present",
            advice="chorus-tui images build makes some without a registry; others are pulled when a task needs them",
        )  # fmt: skip
    weak = [
        Finding(name="Docker", verdict="warn", found=weakness, advice="update it, or see your distribution's notes")
        for weakness in seen.weaknesses
    ]
    return [Finding(name="Docker", verdict="ok", found=seen.version), images, *weak]


def _no_docker(seen: DockerSeen) -> Finding:
    advice = {
        "missing": "install Docker (Debian: sudo apt-get install docker.io) and start it (sudo systemctl start docker)",
        "forbidden": f"sudo usermod -aG docker {seen.user}, then log in again",
        "not a socket": "DOCKER_HOST has to name the Docker Engine's Unix socket, such as unix:///var/run/docker.sock",
        "usable": "see whether it runs (systemctl status docker)",
    }[seen.socket]
    words = {
        "missing": "there is no socket",
        "forbidden": f"{seen.user} may not use the socket",
        "not a socket": "this is no socket",
    }
    found = f"{words[seen.socket]} {seen.path}".strip() if seen.socket in words else seen.problem
    if not seen.needed:
        return Finding(name="Docker", verdict="ok", found=f"{found}; not needed, because this peer takes no tasks")
    return Finding(name="Docker", verdict="fail", found=found, advice=advice)


def provider(name: str, problem: str, model: str) -> Finding:
    """One provider of models as a look found it."""
    if not problem:
        return Finding(name=f"models: {name}", verdict="ok", found=f"{model} is there")
    advice = "start it or correct its variables; chorus-tui config check shows them"
    return Finding(name=f"models: {name}", verdict="fail", found=problem, advice=advice)


@dataclass(frozen=True, slots=True)
class PortSeen:
    """``holder``: who listens there, in words; ``ours``: it is the engine of this data folder; ``problem``: another reason."""

    variable: str
    host: str
    port: int
    free: bool
    holder: str = ""
    ours: bool = False
    problem: str = ""


def port(seen: PortSeen) -> Finding:
    """Whether an engine can listen where its settings say."""
    name, where = f"port: {seen.variable}", f"{seen.host}:{seen.port}"
    if seen.port == 0:
        return Finding(name=name, verdict="ok", found="any free one")
    if seen.free:
        return Finding(name=name, verdict="ok", found=f"{where} is free")
    if seen.ours:
        return Finding(name=name, verdict="ok", found=f"{where} is used by the engine of this data folder")
    if seen.problem:
        host = seen.variable.replace("_PORT", "_HOST")
        return Finding(
            name=name, verdict="fail", found=f"{where}: {seen.problem}", advice=f"set {seen.variable} or {host} to others"
        )  # fmt: skip
    holder = seen.holder or "another user's program"
    return Finding(
        name=name, verdict="fail", found=f"{where} is used by {holder}", advice=f"stop it, or set {seen.variable} to a free port"
    )  # fmt: skip


def same_ports(ports: Mapping[str, tuple[str, int]]) -> list[Finding]:
    """Two of our own doors on one port."""
    found: dict[int, str] = {}
    clashes = []
    for variable, (_, number) in ports.items():
        if number and number in found:
            clashes.append(
                Finding(
                    name=f"port: {variable}", verdict="fail", found=f"{found[number]} is {number} as well",
                    advice=f"set {variable} to another port",
                )
            )  # fmt: skip
        found.setdefault(number, variable)
    return clashes


def mdns(*, enabled: bool, interfaces: Sequence[str], problem: str) -> Finding:
    """Whether peers can be found on the local network. ``interfaces`` are those with multicast."""
    if not enabled:
        return Finding(name="mDNS", verdict="ok", found="switched off; peers are found by CHORUS_BOOTSTRAP_PEERS")
    if problem:
        advice = "set CHORUS_BOOTSTRAP_PEERS (chorus-tui invite on another machine shows them), or allow UDP port 5353"
        return Finding(name="mDNS", verdict="warn", found=problem, advice=advice)
    if not interfaces:
        return Finding(
            name="mDNS", verdict="warn", found="no network interface with multicast; peers of this machine only",
            advice="set CHORUS_BOOTSTRAP_PEERS to reach other machines; in a container, publish the port and announce it",
        )  # fmt: skip
    return Finding(name="mDNS", verdict="ok", found=f"possible on {', '.join(interfaces)}")


def clock(now_s: float, *, synchronised: bool | None, ahead_s: float | None = None) -> Finding:
    """``synchronised``: what the kernel says of it; ``ahead_s``: seconds ahead of the licence server; None: they do not say."""
    advice = "set it by NTP: sudo timedatectl set-ntp true (or install chrony)"
    if now_s < BUILT_S:
        return Finding(name="clock", verdict="fail", found="it is years behind", advice=advice)
    if ahead_s is not None and abs(ahead_s) > SKEW_S:
        found = f"{abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} the licence server's"
        return Finding(name="clock", verdict="warn", found=found, advice=advice)
    if synchronised is False:
        found = "the kernel says that nothing keeps it right"
        return Finding(name="clock", verdict="warn", found=found, advice=f"{advice}; inside a container: on its host")
    return Finding(name="clock", verdict="ok", found="kept right" if synchronised else "plausible")


@dataclass(frozen=True, slots=True)
class FolderSeen:
    """The data folder, or the nearest folder above that is there."""

    path: str
    exists: bool
    writable: bool
    private: bool
    file_system: str
    free: int
    size: int
    quota: int
    """What CHORUS_BLOB_QUOTA_MB allows, in bytes."""
    exposed: tuple[str, ...] = ()
    """Files with keys that others can read."""


def folder(seen: FolderSeen) -> list[Finding]:
    """Where keys and journal are, and the room there."""
    return [_place(seen), _room(seen)]


def _place(seen: FolderSeen) -> Finding:
    name, where = "data folder", f"{seen.path} on {seen.file_system or 'an unknown file system'}"
    another = "set CHORUS_DATA_DIR to a folder on a local disk"
    if not seen.writable:
        return Finding(
            name=name,
            verdict="fail",
            found=f"{seen.path} cannot be written",
            advice=f"give it to this user, or {another}",
        )
    if seen.file_system in NETWORK_FILE_SYSTEMS:
        return Finding(
            name=name, verdict="fail", found=f"{where}, a network file system, which may lose what the journal calls stored", advice=another
        )  # fmt: skip
    if seen.exposed:
        files = ", ".join(seen.exposed)
        return Finding(
            name=name, verdict="fail", found=f"others can read {files}", advice=f"chmod 600 {' '.join(seen.exposed)}"
        )
    if seen.exists and not seen.private:
        return Finding(
            name=name, verdict="warn", found=f"others can look into {seen.path}", advice=f"chmod 700 {seen.path}"
        )
    if seen.file_system in PASSING_FILE_SYSTEMS:
        return Finding(
            name=name, verdict="warn", found=f"{where}: this peer's identity goes with its container or the next boot",
            advice="mount a volume there, or leave it so if the peer is meant to be short-lived",
        )  # fmt: skip
    return Finding(name=name, verdict="ok", found=where if seen.exists else f"{where}; it will be made")


def _room(seen: FolderSeen) -> Finding:
    found = f"{seen.free / 2**30:.1f} of {seen.size / 2**30:.1f} GiB free"
    if seen.free < LITTLE_DISK:
        return Finding(
            name="disk", verdict="fail", found=found, advice="make room: an engine that cannot write cannot speak"
        )
    if seen.free < TIGHT_DISK or seen.free < seen.quota // 4:
        return Finding(
            name="disk", verdict="warn", found=f"{found}; files by hash may take {seen.quota / 2**30:.0f} GiB",
            advice="make room, or lower CHORUS_BLOB_QUOTA_MB",
        )  # fmt: skip
    return Finding(name="disk", verdict="ok", found=found)


def descriptors(limit: int) -> Finding:
    """How many files and connections the process may have open."""
    if limit >= FEW_DESCRIPTORS:
        return Finding(name="open files", verdict="ok", found=f"{limit} at most")
    return Finding(
        name="open files",
        verdict="warn",
        found=f"{limit} at most",
        advice="ulimit -n 4096, or LimitNOFILE=4096 in its unit",
    )


def git(version: str) -> Finding:
    """Needed for tasks with a repository, and for patches."""
    if version:
        return Finding(name="git", verdict="ok", found=version)
    return Finding(
        name="git", verdict="warn", found="not found", advice="sudo apt-get install git: tasks with a repository and patches need it"
    )  # fmt: skip
