"""What a task that means harm tries against kernel, host, limits and files. The table of them all: docs/sandbox.md."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import tracemalloc
from pathlib import Path

import pytest
import trio
import trio.testing

from chorus_tui.contract.models.task_spec import Limits, TaskSpec
from tests.integration.execution.conftest import containers, docker
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.docker

PROBE = r"""
import ctypes, errno, glob, json, os, socket, stat, time
libc = ctypes.CDLL(None, use_errno=True)

def told(act):
    try:
        return act() or "done"
    except OSError as error:
        return errno.errorcode[error.errno]

def call(number, *arguments):
    ctypes.set_errno(0)
    return libc.syscall(number, *arguments) != -1 and "done" or errno.errorcode[ctypes.get_errno()]

def write(path):
    return told(lambda: open(path, "w").write("1") and None)

def read(path):
    return told(lambda: open(path, "rb").read(1) and None)

def slow(act):
    began = time.monotonic()
    said = told(act)
    return said if time.monotonic() - began < 4 else "slow"

def resolve():
    try:
        socket.getaddrinfo("localhost.example", 80)
    except socket.gaierror as error:
        raise OSError(errno.ENETUNREACH, str(error))

PTRACE, PTRACE_SEIZE = 101, 0x4206
kept = []
def exhaust():
    while len(kept) < 5000:
        kept.append(os.open("/dev/null", os.O_RDONLY))

result = {
    "ptrace": call(PTRACE, PTRACE_SEIZE, 1, 0, 0),
    "signal": told(lambda: os.kill(1, 9)),
    "writes": {path: write(path) for path in (
        "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory", "/proc/1/oom_score_adj",
        "/sys/fs/cgroup/release_agent", "/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/cgroup.procs",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max", "/sys/kernel/uevent_helper",
        "/workspace/input/x", "/etc/passwd",
    )},
    "reads": {path: read(path) for path in (
        "/dev/mem", "/dev/kmem", "/proc/kcore", "/dev/kmsg", "/proc/kmsg", "/dev/sda", "/dev/vda", "/etc/shadow",
        "/proc/1/environ", "/proc/1/mem", "/sys/firmware/acpi/tables/DSDT",
    )},
    "mknod": told(lambda: os.mknod("/tmp/disk", 0o600 | stat.S_IFBLK, os.makedev(8, 0))),
    "devices": sorted(name for name in os.listdir("/dev") if stat.S_ISBLK(os.stat("/dev/" + name).st_mode)),
    "commands": [open(p, "rb").read().split(b"\0")[0].decode() for p in glob.glob("/proc/[0-9]*/cmdline")],
    "roots": [told(lambda p=p: os.listdir(p) and None) for p in glob.glob("/proc/[0-9]*/root") if "/%d/" % os.getpid() not in p],
    "dns": slow(resolve),
    "loopback": slow(lambda: socket.create_connection(("127.0.0.1", int(os.environ["PORT_OUTSIDE"])), 5)),
    "metadata": slow(lambda: socket.create_connection(("169.254.169.254", 80), 5)),
    "files": told(exhaust),
    "opened": len(kept),
}
print(json.dumps(result))
"""


async def test_kernel_devices_and_other_processes_are_out_of_reach(bench):
    """Tracing, signalling, sysctl, control groups, devices, kernel memory, others' roots, the host's loopback: refused."""
    with socket.create_server(("127.0.0.1", 0)) as outside:
        port = outside.getsockname()[1]
        result = await bench.run(
            f"cat > p.py <<'END'\n{PROBE}\nEND\npython3 p.py", language="python", env={"PORT_OUTSIDE": str(port)}
        )
    assert result.outcome == "completed", result.output_tail
    said = json.loads(result.output_tail)

    assert said["ptrace"] in {"EPERM", "ENOSYS"}
    assert said["signal"] == "EPERM"
    assert set(said["writes"].values()) <= {"EROFS", "EACCES", "EPERM", "ENOENT"}
    assert set(said["reads"].values()) <= {"EACCES", "EPERM", "ENOENT"} | ({"done"} if _masked(said) else set())
    assert said["mknod"] == "EPERM"
    assert said["devices"] == []
    assert len(said["commands"]) < 12
    assert {Path(command).name for command in said["commands"] if command} <= {
        "docker-init", "sh", "sleep", "cat", "python3",
    }  # fmt: skip
    assert set(said["roots"]) <= {"EACCES", "EPERM", "done"}
    assert said["dns"] == "ENETUNREACH"
    assert said["loopback"] == "ECONNREFUSED"
    assert said["metadata"] == "ENETUNREACH"
    assert said["files"] == "EMFILE"
    assert said["opened"] < 1024


def _masked(said: dict) -> bool:
    """/proc/kcore and its like are covered by an empty file: reading gives nothing, which is as good as a refusal."""
    return {path for path, word in said["reads"].items() if word == "done"} <= {
        "/proc/kcore", "/sys/firmware/acpi/tables/DSDT",
    }  # fmt: skip


async def test_a_setuid_program_of_the_image_gives_no_root(bench, image):
    """An image brings a setuid-root interpreter: it runs as the task's user all the same."""
    python = await trio.run_process(
        ["docker", "run", "--rm", "--network=none", "chorus-python-dev", "cat", "/usr/bin/python3.11"],
        capture_stdout=True,
    )
    name = image([], {"usr/bin/rootpython": python.stdout}, "chorus-python-dev")
    result = await bench.run(
        "ls -l /usr/bin/rootpython; rootpython -c 'import os; print(os.getuid() == os.geteuid() > 0)'", image=name
    )

    assert result.outcome == "completed", result.output_tail
    assert "-rwsr-xr-x" in result.output_tail
    assert "True" in result.output_tail


@pytest.mark.parametrize("place", ["/proc/self/fd/7", "/proc/self/fd/8/../../..", "/../../../../etc"])
async def test_a_working_directory_that_leads_out_is_not_used(bench, image, place):
    """An image whose WORKDIR is an open file of the runtime, or climbs: the task is where it always is."""
    result = await bench.run("pwd; ls -a /workspace/data | wc -l", image=image([f"WORKDIR {place}"], {}))

    assert result.outcome == "completed", result.detail
    assert result.output_tail.split() == ["/workspace/data", "2"]


async def test_folders_that_are_links_in_the_image_lead_nowhere_outside(bench, image, tmp_path):
    """An image has our folders as links to the host's by name and to open files: nothing out there is read or written."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("of the host")
    name = image([], {}, links={"workspace/output": str(outside), "workspace/data": "/proc/self/fd/7"})
    result = await bench.run("cat /workspace/output/secret; echo x > /workspace/output/y; echo x > y; true", image=name)

    assert result.outcome in {"completed", "error"}
    assert "of the host" not in result.output_tail
    assert [path.name for path in outside.iterdir()] == ["secret"]


async def test_links_in_a_repository_widen_nothing(bench, tmp_path):
    """Links to this machine's files, to another task's folder and to our socket point at nothing inside."""
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    folder = tmp_path / "repository"
    folder.mkdir()
    targets = {"file": secret, "up": "../secret", "engine": "/var/run/docker.sock", "home": Path.home() / ".ssh"}
    for name, target in targets.items():
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "pipe")
    result = await bench.run(
        "for f in file engine home; do [ -L $f ] || exit 9; cat $f 2>/dev/null; done; ls pipe; cp -L file "
        "/workspace/output/ 2>/dev/null; ls -A /workspace/input | wc -l",
        repository=folder,
    )

    assert result.outcome == "completed", result.output_tail
    assert "of the host" not in result.output_tail
    assert result.output_tail.split()[-1] == "3"
    assert result.artifacts == []


async def test_a_file_that_changes_while_it_is_brought_out_is_whole_or_left_out(bench):
    """A daemon swaps a file, a link and a folder all the time: what comes is a file with the hash of its own bytes."""
    result = await bench.run(
        "(setsid sh -c 'while :; do echo aaaa > x; mv x /workspace/output/f; rm -rf /workspace/output/f; "
        "ln -s /etc/passwd /workspace/output/f; rm /workspace/output/f; mkdir /workspace/output/f; "
        "rmdir /workspace/output/f; done' >/dev/null 2>&1 &); sleep 0.3; echo good > /workspace/output/g"
    )

    assert result.outcome == "completed", result.output_tail
    assert "g" in {artifact.path for artifact in result.artifacts}
    for artifact in result.artifacts:
        data = bench.artifact(result, artifact.path)
        assert hashlib.sha256(data).hexdigest() == artifact.sha256
        assert data in {b"aaaa\n", b"good\n", b""}


async def test_a_busy_loop_gets_its_share_of_a_cpu_and_no_more(bench):
    """Two spinning processes under a limit of 0.4: their time together is what was given, measured from inside."""
    spin = (
        "import os, time\npid = os.fork()\nend = time.monotonic() + 2\nwhile time.monotonic() < end: pass\n"
        "if pid:\n    os.wait()\n    t = os.times()\n    print(sum(t[:4]))"
    )
    result = await bench.run(f"python3 -c '{spin}'", language="python", limits={"cpus": 0.4})

    assert result.outcome == "completed", result.output_tail
    assert 0.1 < float(result.output_tail) < 2 * 0.4 * 1.5


async def test_output_of_every_bad_kind_costs_us_little_memory(bench):
    """One endless line, NULs, bytes that are no text, a million lines: kept within bounds here, and said to be cut."""
    tracemalloc.start()
    try:
        result = await bench.run(
            "head -c 12000000 /dev/zero | tr '\\0' 'x'; echo; head -c 3000000 /dev/zero; head -c 3000000 /dev/urandom",
            "i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo $i; done; yes | head -1000000",
            limits={"log_mb": 1},
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert result.outcome == "completed", result.detail
    assert result.output_cut
    assert result.output_bytes > 20_000_000 - 3
    assert result.output_tail.isprintable() or set(result.output_tail) <= {"y", "\n"}
    assert peak < 32 << 20


async def test_thousands_of_orphans_do_not_fill_the_table_of_processes(bench):
    """Children whose parents never wait: the engine's init reaps them, and the limit counts only the living."""
    orphans = (
        "import os, time\n"
        "def fork():\n    while True:\n        try:\n            return os.fork()\n"
        "        except BlockingIOError:\n            time.sleep(0.01)  # a busy machine reaps them later, or never\n"
        "for _ in range(2000):\n    pid = fork()\n    if pid == 0:\n        fork()\n        os._exit(0)\n    os.waitpid(pid, 0)"
    )
    result = await bench.run(
        f"python3 -c '{orphans}'", "true", language="python", limits={"pids": 64}, timeout_s=30 * PATIENCE
    )

    assert result.outcome == "completed", result.output_tail


async def test_nothing_of_the_agent_is_in_the_environment_or_the_description(bench, monkeypatch):
    """A secret of the agent's environment: not in ``env``, not in any process's environment, not in ``inspect``."""
    monkeypatch.setenv("CHORUS_SECRET_OF_THE_AGENT", "do-not-tell")
    seen: dict[str, str] = {}

    async def look() -> None:
        await bench.heard.said(b"up")
        (found,) = containers(bench.settings.owner)
        seen["inspect"] = docker("inspect", found)
        seen["environ"] = docker("exec", found, "/bin/busybox", "cat", "/proc/1/environ", "/proc/self/environ")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: bench.run("env; cat /proc/self/environ; echo up; sleep 300"))
        await trio.testing.wait_all_tasks_blocked()
        await look()
        nursery.cancel_scope.cancel()
    everything = bench.heard.data.decode() + json.dumps(seen)

    assert "do-not-tell" not in everything
    assert "SECRET_OF_THE_AGENT" not in everything
    assert str(Path.home()) not in bench.heard.data.decode().replace("HOME=/tmp", "")
    assert "docker.sock" not in everything


async def test_shared_memory_is_sized_and_counts(bench):
    """/dev/shm is full at its size."""
    result = await bench.run("! head -c 9000000 /dev/zero > /dev/shm/x", limits={"memory_mb": 64, "disk_mb": 8})

    assert result.outcome == "completed", result.output_tail


def test_a_container_that_takes_our_name_is_not_touched(bench):
    """Names decide nothing: a stranger's container called like a sandbox, and one with half the labels, stay."""
    name = f"chorus-01jspoofed-1-{os.urandom(4).hex()}"
    docker("create", "--name", name, "--label", "chorus.deadline=1", "--label", f"chorus.owner={bench.settings.owner}x",
           "chorus-base")  # fmt: skip
    try:
        trio.run(bench.executor.reap)
        trio.run(bench.executor.close)

        assert docker("inspect", "--format", "{{.Name}}", name).strip() == f"/{name}"
    finally:
        subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=True)


@pytest.mark.parametrize(
    "wish", [{"network": "bridge"}, {"hosts": ["example.org"]}, {"privileged": True}, {"devices": ["/dev/kvm"]}]
)
def test_a_task_cannot_ask_for_a_network(wish):
    """A task has no field for network, rights or devices, and what it has no field for is refused."""
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        TaskSpec(title="t", commands=["true"], **wish)
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        Limits(**wish)
