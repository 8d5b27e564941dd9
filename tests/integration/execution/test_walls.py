"""What a hostile task tries, and what it gets."""

from __future__ import annotations

import io
import json
import re
import secrets
import tarfile

import docker as docker_sdk
import pytest
import trio
import trio.testing

from chorus_tui.engine.execution.docker_api import DockerApi
from chorus_tui.engine.execution.errors import ImageUnusable
from chorus_tui.engine.execution.output import OutputLog
from chorus_tui.engine.execution.sandbox import created
from chorus_tui.engine.execution.workspace import SandboxWorkspace
from tests.integration.execution.conftest import Heard, containers, docker
from tests.support.docker_engine import DOCKER_HOST
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.docker


async def test_the_sandbox_from_outside_has_every_rule_of_the_profile(bench):
    """The engine's own description, read by Docker's own client library: the rules of the CIS benchmark hold."""
    client = docker_sdk.DockerClient(base_url=DOCKER_HOST)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: bench.run("echo up; sleep 300"))
        await trio.testing.wait_all_tasks_blocked()
        await bench.heard.said(b"up")
        (found,) = containers(bench.settings.owner)
        said = await trio.to_thread.run_sync(lambda: client.containers.get(found).attrs)
        nursery.cancel_scope.cancel()
    client.close()
    host, config = said["HostConfig"], said["Config"]

    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert host["AutoRemove"] is True
    assert host["Init"] is True
    assert host["Privileged"] is False
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges" in host["SecurityOpt"]
    assert any(option.startswith("seccomp={") for option in host["SecurityOpt"])
    assert host["Memory"] == host["MemorySwap"] == 2048 << 20
    assert 0 < host["NanoCpus"] <= bench.settings.max_cpus * 1e9
    assert host["PidsLimit"] == 256
    assert host["LogConfig"]["Type"] == "none"
    assert host["RestartPolicy"]["Name"] == "no"
    assert not host["Binds"]
    assert not host["Devices"]
    assert (host["PidMode"], host["UTSMode"], host["IpcMode"]) == ("", "", "private")
    assert int(config["User"].split(":")[0]) >= 20_000
    assert config["Healthcheck"]["Test"] == ["NONE"]
    assert [mount["Destination"] for mount in said["Mounts"]] == ["/workspace/input"]
    assert not any("PATH_OF_AGENT" in text for text in config["Env"])


async def test_no_rights_no_network_no_way_to_write(bench, monkeypatch):
    """No capability, no new privilege, a filter on system calls, a user of its own; only ``lo``; a read-only root."""
    monkeypatch.setenv("CHORUS_SECRET_OF_THE_AGENT", "do-not-tell")
    script = r"""
import ctypes, errno, json, os, socket, time
libc = ctypes.CDLL(None, use_errno=True)
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
def refused(number, *arguments):
    return libc.syscall(number, *arguments) == -1 and errno.errorcode[ctypes.get_errno()]
def cannot_write(path):
    try: open(path, "w").write("x"); return "written"
    except OSError as error: return errno.errorcode[error.errno]
def cannot_reach(address, family=socket.AF_INET):
    began = time.monotonic()
    try: socket.socket(family, socket.SOCK_STREAM).connect(address); return "reached"
    except OSError as error: return errno.errorcode[error.errno] if time.monotonic() - began < 4 else "slow"
def no_socket(family, kind):
    try: socket.socket(family, kind); return "made"
    except OSError as error: return errno.errorcode[error.errno]
x86 = os.uname().machine == "x86_64"
numbers = dict(unshare=272, mount=165, pivot_root=155, setns=308, keyctl=250, bpf=321, perf_event_open=298,
               userfaultfd=323, io_uring_setup=425, kexec_load=246, init_module=175, reboot=169, swapon=167,
               open_by_handle_at=304) if x86 else {}
paths = ("/etc/x", "/usr/bin/x", "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/sys/kernel/x")
kinds = ((socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_INET, socket.SOCK_RAW), (40, socket.SOCK_STREAM))
print(json.dumps({
  "status": {k: status[k].strip() for k in ("CapEff", "CapBnd", "CapPrm", "NoNewPrivs", "Seccomp")},
  "uid": os.getuid(), "groups": os.getgroups(),
  "calls": {name: refused(number, 0x10000000, 0, 0, 0, 0) for name, number in numbers.items()},
  "writes": {path: cannot_write(path) for path in paths},
  "reaches": {str(a): cannot_reach(a) for a in (("169.254.169.254", 80), ("172.17.0.1", 22), ("8.8.8.8", 53))},
  "six": cannot_reach(("2001:4860:4860::8888", 53), socket.AF_INET6),
  "sockets": [no_socket(*kind) for kind in kinds],
  "interfaces": os.listdir("/sys/class/net"),
  "environment": sorted(os.environ),
  "init": open("/proc/1/cmdline").read()[:40],
  "docker": os.path.exists("/var/run/docker.sock"),
}))
"""
    result = await bench.run(f"cat > p.py <<'END'\n{script}\nEND\npython3 p.py", language="python")

    assert result.outcome == "completed", result.output_tail
    said = json.loads(result.output_tail)
    assert said["status"] == {
        "CapEff": "0" * 16, "CapBnd": "0" * 16, "CapPrm": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2",
    }  # fmt: skip
    assert said["uid"] >= 20_000
    assert 0 not in said["groups"]
    assert set(said["calls"].values()) <= {"EPERM", "ENOSYS"}
    assert set(said["writes"].values()) <= {"EROFS", "EACCES", "EPERM", "ENOENT"}
    assert set(said["reaches"].values()) == {"ENETUNREACH"}
    assert said["six"] in {"ENETUNREACH", "EADDRNOTAVAIL"}
    assert set(said["sockets"]) <= {"EPERM", "EAFNOSUPPORT", "EPROTONOSUPPORT"}
    assert [name for name in said["interfaces"] if name not in {"lo", "tunl0", "sit0", "ip6tnl0", "gre0"}] == []
    assert "CHORUS_SECRET_OF_THE_AGENT" not in said["environment"]
    assert said["docker"] is False


async def test_memory_running_out_is_told_as_such(bench):
    """The engine's event tells it, though the container lives on."""
    result = await bench.run(
        "python3 -c 'x = bytearray(400 << 20); print(len(x))'", language="python", limits={"memory_mb": 64}
    )

    assert (result.outcome, result.reason, result.exit_code) == ("failed", "out_of_memory", 137)
    assert "64 MiB" in result.detail


async def test_a_fork_bomb_is_held_and_artifacts_still_come_out(bench):
    """The bomb stops at the limit; the task ends by its time; what it wrote is brought back; nothing is left."""
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    result = await bench.run(
        "echo before > /workspace/output/x", f"python3 -c '{bomb}'", language="python", limits={"pids": 64}, timeout_s=8
    )

    assert (result.outcome, result.reason) == ("budget_exhausted", "timeout")
    assert bench.artifact(result, "x") == b"before\n"


async def test_a_full_disk_is_the_tasks_own_trouble(bench):
    """Each writable folder is full at its size, in bytes and in entries; the rest goes on."""
    result = await bench.run(
        "for d in /workspace/data /workspace/output /tmp; do ! head -c 9000000 /dev/zero > $d/big; rm $d/big; done",
        "! ( i=0; while [ $i -lt 70000 ]; do : > /tmp/$i || exit 1; i=$((i+1)); done )",
        "! echo x > /dev/shm/../../etc/y",
        limits={"disk_mb": 8},
    )

    assert result.outcome == "completed", result.output_tail
    assert "No space left on device" in result.output_tail


async def test_many_open_files_and_zombies_are_bounded(bench):
    """1,024 files a process; orphans are reaped by the engine's init."""
    reaped = "i=0; while [ $(ps | grep -c '[Z]') -ge 5 ] && [ $i -lt 60 ]; do i=$((i+1)); sleep 1; done"
    result = await bench.run(
        "ulimit -n",
        f"i=0; while [ $i -lt 400 ]; do (true &) ; i=$((i+1)); done; sleep 1; {reaped}; ps | grep -c '[Z]' || true",
    )

    assert result.outcome == "completed", result.output_tail
    assert result.output_tail.splitlines()[0] == "1024"
    assert int(result.output_tail.splitlines()[-1]) < 5


async def test_artifact_names_made_to_hurt_stay_inside(bench):
    """Links out, odd names, devices and pipes are left out and said; the honest file comes."""
    result = await bench.run(
        "cd /workspace/output && ln -s /etc/passwd link && ln -s / root && mkfifo pipe && echo good > good "
        r"&& : > $'new\nline' && : > $(printf 'bad\377') && mkdir -p a/b && echo deep > a/b/c && ln good hard"
    )

    paths = {artifact.path for artifact in result.artifacts}
    assert result.outcome == "completed", result.output_tail
    assert "a/b/c" in paths
    assert paths & {"good", "hard"}
    assert paths <= {"good", "hard", "a/b/c"}
    assert "no regular file" in result.detail
    assert "not UTF-8" in result.detail


async def test_tools_planted_in_the_path_are_not_called_by_us(bench, image, tmp_path):
    """A ``tar`` that stands first in PATH, an entrypoint and a health check of the image: none of them runs."""
    planted = b"#!/bin/sh\necho planted > /workspace/output/planted\n"
    name = image(
        ["ENV PATH=/evil:/usr/bin:/bin", 'ENTRYPOINT ["/evil/tar"]', 'CMD ["x"]', "USER 0"],
        {"evil/tar": planted, "evil/cat": planted, "evil/sleep": planted, "evil/kill": planted, "evil/cp": planted},
    )

    (tmp_path / "repository").mkdir()

    result = await bench.run("echo hi > /workspace/output/x; id -u", image=name, repository=tmp_path / "repository")

    assert result.outcome == "completed", result.output_tail
    assert [artifact.path for artifact in result.artifacts] == ["x"]
    assert int(result.output_tail) >= 20_000


async def test_a_declared_volume_is_memory_and_sized(bench, image):
    """What an image declares as VOLUME is a bounded tmpfs; nothing is written to the machine's disk."""
    name = image(["VOLUME /cache"], {})

    result = await bench.run(
        "grep ' /cache tmpfs ' /proc/mounts",
        "! head -c 60000000 /dev/zero > /cache/x",
        image=name,
        limits={"memory_mb": 128},
    )

    assert result.outcome == "completed", result.output_tail


async def test_a_volume_in_a_forbidden_place_is_refused(bench, image):
    """An image that declares /usr as a volume is not run."""
    result = await bench.run("true", image=image(["VOLUME /usr"], {}))

    assert (result.outcome, result.reason) == ("error", "image_volumes")


async def test_an_image_without_a_shell_is_refused_in_words(bench):
    """The error says that /bin/sh is missing."""
    name = f"chorus-test-{secrets.token_hex(4)}:1"
    empty = io.BytesIO()
    with tarfile.open(fileobj=empty, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("x"), io.BytesIO())
    await trio.run_process(["docker", "import", "-", name], stdin=empty.getvalue(), capture_stdout=True)
    try:
        result = await bench.run("true", image=name)
    finally:
        docker("rmi", "-f", name)

    assert (result.outcome, result.reason) == ("error", "image_without_shell"), result.detail


async def test_a_command_that_comes_before_the_missing_shell_is_found_out(bench, tmp_path):
    """A command asked for while the first process still stands ends with the same refusal: it waits for that process's end."""
    name = f"chorus-test-{secrets.token_hex(4)}"
    whole = await trio.run_process(
        ["docker", "run", "--rm", "--network=none", "chorus-base", "tar", "-c", "-C", "/", "bin/busybox", "lib"],
        capture_stdout=True,
    )
    await trio.run_process(["docker", "import", "-", f"{name}:1"], stdin=whole.stdout, capture_stdout=True)
    late = ["/bin/busybox", "ash", "-c", "/bin/busybox sleep 0.5; exit 127"]
    api = DockerApi(DOCKER_HOST)
    try:
        body = {"Image": f"{name}:1", "Cmd": late, "Labels": {"chorus.owner": bench.settings.owner}}
        async with created(api, name, body, "0", f"{name}:1") as sandbox, trio.open_nursery() as nursery:
            nursery.start_soon(sandbox.watch)
            await sandbox.happenings.watched.wait()
            await api.start(sandbox.container)
            workspace = SandboxWorkspace(
                sandbox, f"{name}:1", OutputLog(tmp_path / "output", 1), bench.heard.output, {}
            )
            with pytest.raises(ImageUnusable) as caught:
                await workspace.shell("true", 30)
            with pytest.raises(ImageUnusable):
                await sandbox.copy_input()
            nursery.cancel_scope.cancel()
    finally:
        docker("rmi", "-f", f"{name}:1")

    assert caught.value.reason == "image_without_shell"


async def test_two_tasks_at_once_share_the_cpus_and_not_the_user(bench):
    """Together they get no more than the settings give; neither sees the other."""
    results = []
    until_told = "until [ -e /tmp/go ]; do sleep 0.1; done"

    async def run(heard: Heard) -> None:
        job = bench.job("id -u; ps | wc -l", until_told, limits={"cpus": 64})
        results.append(await bench.executor.run(job, heard, bench.put_blob))

    async with trio.open_nursery() as nursery:
        for heard in (both := [Heard(), Heard()]):
            nursery.start_soon(run, heard)
        given: list[float] = []
        with trio.move_on_after(20 * PATIENCE) as looking:
            for heard in both:
                await heard.said(b"\n")
            while sum(given) == 0 or len(given) < 2 or sum(given) > bench.settings.max_cpus * 1e9 * 1.01:
                found = await trio.to_thread.run_sync(containers, bench.settings.owner)
                given = (
                    [int(n) for n in docker("inspect", "--format", "{{.HostConfig.NanoCpus}}", *found).split()]
                    if found
                    else []
                )
                await trio.sleep(0.05)
            for one in found:
                uid = re.search(r"uid=(\d+)", docker("inspect", "--format", '{{index .HostConfig.Tmpfs "/tmp"}}', one))
                assert uid
                docker("exec", "--user", uid[1], one, "touch", "/tmp/go")
        if looking.cancelled_caught:
            nursery.cancel_scope.cancel()  # nobody tells them

    assert len(given) == 2
    assert sum(given) <= bench.settings.max_cpus * 1.01e9
    assert [result.outcome for result in results] == ["completed", "completed"]
    assert len({result.output_tail.split()[0] for result in results}) == 2
