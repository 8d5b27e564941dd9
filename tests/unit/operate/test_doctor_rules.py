"""What doctor advises: for each fault the right way out, and no word of advice where all is well."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chorus_tui.engine.runtime.doctor import rules
from chorus_tui.engine.runtime.doctor.rules import DockerSeen, FolderSeen, PortSeen

DOCKER = DockerSeen(True, available=True, version="27.0", path="/run/docker.sock", user="ana", languages=("base",))
GONE = replace(DOCKER, available=False, problem="it does not answer")
FOLDER = FolderSeen("/data", True, True, True, "ext4", free=50 << 30, size=100 << 30, quota=10 << 30)
PORT = PortSeen("CHORUS_API_PORT", "127.0.0.1", 8080, free=False)

WELL = [
    rules.python((3, 11, 2)), rules.library("0.8.1", "0.8.1"), rules.settings([], []), rules.license_("development", ""),
    *rules.docker(DOCKER), rules.provider("ollama", "", "m"), rules.port(replace(PORT, free=True)), rules.port(replace(PORT, port=0)),
    rules.port(replace(PORT, holder="python (process 7)", ours=True)), rules.mdns(enabled=True, interfaces=["eth0"], problem=""),
    rules.mdns(enabled=False, interfaces=[], problem=""), rules.clock(2e9, synchronised=True), rules.clock(2e9, synchronised=None),
    *rules.folder(FOLDER), *rules.folder(replace(FOLDER, exists=False)), rules.descriptors(4096), rules.git("2.39"),
    *rules.docker(replace(GONE, needed=False, socket="missing")),
]  # fmt: skip

FAULTS = [
    (rules.python((3, 10, 0)), "fail", "3.11 or newer"),
    (rules.python((3, 15, 0)), "warn", "3.11 to 3.13"),
    (rules.library("0.9.0", "0.8.1"), "fail", "pip install libp2p==0.8.1"),
    (rules.library("", "0.8.1"), "fail", "pip install libp2p==0.8.1"),
    (rules.settings(["CHORUS_P2P_PORT: 'x' is no number"], []), "fail", "config check"),
    (rules.settings([], ["CHORUS_P2P_PRT is not known"]), "warn", "config check"),
    (
        rules.license_("", "CHORUS_LICENSE_ID is not set.\n  CHORUS_LICENSE_ID=dev-local chorus-tui"),
        "fail",
        "dev-local",
    ),
    (rules.docker(replace(GONE, socket="missing"))[0], "fail", "apt-get install docker.io"),
    (rules.docker(replace(GONE, socket="forbidden"))[0], "fail", "usermod -aG docker ana"),
    (rules.docker(replace(GONE, socket="not a socket"))[0], "fail", "unix:///var/run/docker.sock"),
    (rules.docker(GONE)[0], "fail", "systemctl status docker"),
    (rules.docker(replace(DOCKER, languages=()))[1], "warn", "images build"),
    (rules.docker(replace(DOCKER, weaknesses=("runc 1.0 may have CVE-1",)))[2], "warn", "update it"),
    (rules.provider("ollama", "no model m there", "m"), "fail", "config check"),
    (rules.port(replace(PORT, holder="nginx (process 9)")), "fail", "set CHORUS_API_PORT to a free port"),
    (rules.port(replace(PORT, problem="this is no address of this machine")), "fail", "CHORUS_API_HOST"),
    (
        rules.same_ports({"A": ("h", 80), "B": ("h", 80), "C": ("h", 0), "D": ("h", 0)})[0],
        "fail",
        "set B to another port",
    ),
    (
        rules.mdns(enabled=True, interfaces=["eth0"], problem="UDP port 5353 cannot be shared"),
        "warn",
        "CHORUS_BOOTSTRAP_PEERS",
    ),
    (rules.mdns(enabled=True, interfaces=[], problem=""), "warn", "CHORUS_BOOTSTRAP_PEERS"),
    (rules.clock(1e9, synchronised=True), "fail", "set-ntp true"),
    (rules.clock(2e9, synchronised=False), "warn", "set-ntp true"),
    (rules.folder(replace(FOLDER, writable=False))[0], "fail", "CHORUS_DATA_DIR"),
    (rules.folder(replace(FOLDER, file_system="nfs4"))[0], "fail", "local disk"),
    (rules.folder(replace(FOLDER, file_system="fuse.sshfs"))[0], "fail", "local disk"),
    (rules.folder(replace(FOLDER, file_system="overlay"))[0], "warn", "volume"),
    (rules.folder(replace(FOLDER, private=False))[0], "warn", "chmod 700 /data"),
    (rules.folder(replace(FOLDER, exposed=("/data/age.key",)))[0], "fail", "chmod 600 /data/age.key"),
    (rules.folder(replace(FOLDER, free=100 << 20))[1], "fail", "make room"),
    (rules.folder(replace(FOLDER, free=1 << 30))[1], "warn", "CHORUS_BLOB_QUOTA_MB"),
    (rules.folder(replace(FOLDER, quota=400 << 30))[1], "warn", "CHORUS_BLOB_QUOTA_MB"),
    (rules.descriptors(256), "warn", "ulimit -n"),
    (rules.git(""), "warn", "apt-get install git"),
]


@pytest.mark.parametrize(
    ("finding", "verdict", "advice"), FAULTS, ids=lambda value: str(getattr(value, "found", value))[:40]
)
def test_each_fault_has_its_verdict_and_its_way_out(finding, verdict, advice):
    """What fails keeps an engine from working; what warns does not."""
    assert finding.verdict == verdict
    assert advice in finding.advice
    assert finding.found


@pytest.mark.parametrize("finding", WELL, ids=lambda finding: f"{finding.name} {finding.found}"[:40])
def test_what_is_well_needs_no_advice(finding):
    """Not even Docker, where no task is taken."""
    assert (finding.verdict, finding.advice) == ("ok", "")
