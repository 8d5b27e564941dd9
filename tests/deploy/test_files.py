"""The deployment files without a cluster: each is read by the tools that will read it, and by us for what they cannot know."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from chorus_tui.contract.variables import VARIABLES
from chorus_tui.engine.runtime.serve import LEAVE_S
from chorus_tui.engine.settings import load
from tests.deploy.containers import ROOT, tool

DEPLOY = ROOT / "deploy"
KNOWN = {row.name for row in VARIABLES} | {f"{row.name}_FILE" for row in VARIABLES}
EXPOSED_AT_MOST = 2.0
"""What systemd calls OK; a service that nobody hardened has 9.6."""


def run(*command: str | Path, **environment: str) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={"PATH": os.environ["PATH"], **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@cache
def compose() -> Any:
    """The compose file as docker compose understands it, with all profiles."""
    said = run(tool("docker-compose"), "-f", DEPLOY / "compose.yml", "--profile", "*", "config", "--format", "json",
               DOCKER_GID="998")  # fmt: skip
    return json.loads(said)


@cache
def swarm() -> Any:
    """The stack file as ``docker stack deploy`` understands it."""
    return yaml.safe_load(run("docker", "stack", "config", "-c", DEPLOY / "swarm.yml", CHORUS_LICENSE_ID="dev-x"))


@pytest.fixture(scope="module")
def manifests(tmp_path_factory) -> list[dict[str, Any]]:
    """What ``kubectl apply -k`` would send, made from a copy with secrets of the test."""
    folder = tmp_path_factory.mktemp("kubernetes")
    for path in (DEPLOY / "kubernetes").iterdir():
        (folder / path.name).write_text(path.read_text())
    (folder / "network.key").write_text("ab" * 32)
    (folder / "license.id").write_text("dev-x")
    return list(yaml.safe_load_all(run("kubectl", "kustomize", folder, HOME=str(folder))))


def pods(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    """The pod of each workload, by the workload's name."""
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in manifests
        if each["kind"] in {"StatefulSet", "Deployment"}
    }


def needed_s(environment: dict[str, str]) -> float:
    """Seconds an engine may take to stop: its drain, then the goodbye, then the sandboxes."""
    drain = environment.get("CHORUS_DRAIN_TIMEOUT", "")
    settings = load({"CHORUS_LICENSE_ID": "dev-x", "CHORUS_DRAIN_TIMEOUT": drain}, "agent")
    return settings.drain_timeout_s + 2 * LEAVE_S


def test_the_dockerfile_is_clean():
    """By hadolint, without a rule switched off but where a comment says why."""
    assert run(tool("hadolint"), ROOT / "Dockerfile") == ""


def test_the_dockerfile_needs_no_more_than_the_classic_builder():
    """No mounts, no heredocs, no syntax line, no flag of COPY that only buildx knows."""
    text = (ROOT / "Dockerfile").read_text()

    assert not re.search(r"--mount|<<|--link|--chmod|^# *syntax", text, re.MULTILINE)


@pytest.mark.docker
def test_compose_makes_three_hardened_agents_and_a_portal():
    """Valid by docker compose itself; every agent keeps its own volume; none is privileged, can write its root, or lacks the key."""
    services = compose()["services"]

    assert set(services) == {"agent-1", "agent-2", "agent-3", "portal", "prometheus"}
    volumes = [
        mount["source"] for name in services for mount in services[name]["volumes"] if mount["target"] == "/data"
    ]
    assert sorted(volumes) == ["agent-1", "agent-2", "agent-3", "portal"]
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name
    assert "docker.sock" not in json.dumps(services["portal"])
    open_to_all = [
        port for service in services.values() for port in service.get("ports", []) if port.get("host_ip") != "127.0.0.1"
    ]
    assert open_to_all == []


@pytest.mark.docker
def test_every_supervisor_waits_longer_than_the_drain(manifests):
    """Killed in the middle of its drain, an agent would lose work it could have handed over."""
    agent = compose()["services"]["agent-1"]
    stack = swarm()["services"]["agent"]
    config = next(each["data"] for each in manifests if each["kind"] == "ConfigMap")
    unit = (DEPLOY / "systemd/chorus-tui.service").read_text()

    assert seconds(agent["stop_grace_period"]) > needed_s(agent["environment"])
    assert seconds(stack["stop_grace_period"]) > needed_s(stack["environment"])
    for pod in pods(manifests).values():
        assert pod["terminationGracePeriodSeconds"] > needed_s(config)
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[1]) > needed_s({})


def seconds(text: str) -> int:
    """Of ``1m0s``."""
    minutes, _, rest = text.rstrip("s").rpartition("m")
    return int(minutes or 0) * 60 + int(rest or 0)


@pytest.mark.docker
def test_every_setting_in_the_files_is_one_that_an_engine_knows(manifests):
    """A name that was mistyped or has gone would be ignored by a running agent."""
    used: dict[str, set[str]] = {}
    for name, service in [*compose()["services"].items(), ("swarm", swarm()["services"]["agent"])]:
        used[name] = set(service.get("environment", {}))
    for each in manifests:
        if each["kind"] == "ConfigMap":
            used["kubernetes"] = set(each["data"])
    for name, pod in pods(manifests).items():
        used[f"kubernetes {name}"] = {row["name"] for row in pod["containers"][0]["env"]}
    unit = (DEPLOY / "systemd/chorus-tui.service").read_text()
    used["systemd"] = set(re.findall(r"(CHORUS_[A-Z0-9_]+)=", unit))
    ours = {
        place: {name for name in names if name.startswith("CHORUS_") or name == "ASSIGN_URL"}
        for place, names in used.items()
    }

    assert {place: names - KNOWN for place, names in ours.items() if names - KNOWN} == {}


@pytest.mark.docker
def test_the_stack_is_three_replicas_each_with_an_assignment_and_its_node_s_volume():
    """Peers are dialled at their node: the port is the host's, not the routing mesh's. Swarm gives slots to other nodes when a stack
    was removed and comes again, so that name and volume are the node's, which has one replica at most."""
    stack = swarm()
    agent = stack["services"]["agent"]

    assert agent["deploy"]["replicas"] == 3
    assert [(int(port["published"]), port["mode"]) for port in agent["ports"]] == [(9000, "host")]
    assert agent["deploy"]["placement"]["max_replicas_per_node"] == 1
    assert "{{.Node.Hostname}}" in stack["volumes"]["agent"]["name"]
    assert agent["environment"]["CHORUS_AGENT_ID"] == "{{.Node.Hostname}}"
    given = run("docker", "stack", "config", "-c", DEPLOY / "swarm.yml", CHORUS_LICENSE_ID="dev-x",
                ASSIGN_URL="http://whoosh/{{.Service.Name}}.{{.Task.Slot}}.json")  # fmt: skip
    assert "ASSIGN_URL: http://whoosh/{{.Service.Name}}.{{.Task.Slot}}.json" in given
    assert {mount["target"] for mount in agent["volumes"]} == {
        "/data",
        "/etc/chorus/prompts",
        "/var/run/docker.sock",
        "/tmp",
    }


def test_the_manifests_are_what_kubernetes_takes(manifests):
    """Each against the schema of an older and of a recent version, strictly: no field that it would drop in silence."""
    kinds = {each["kind"] for each in manifests}

    assert {
        "Namespace",
        "StatefulSet",
        "Deployment",
        "Service",
        "PodDisruptionBudget",
        "NetworkPolicy",
        "ConfigMap",
        "Secret",
    } <= kinds
    for each in manifests:
        for version in ("1.28", "1.37"):
            kubernetes_validate.validate(each, version, strict=True)


def test_the_pods_are_restricted_and_watched(manifests):
    """What the restricted standard demands stands in every pod, and the probes ask the right paths."""
    for name, pod in pods(manifests).items():
        whole, own = pod["securityContext"], pod["containers"][0]["securityContext"]
        assert whole["runAsNonRoot"] and whole["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert own == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert pod["automountServiceAccountToken"] is False, name
        assert not any("hostPath" in volume for volume in pod["volumes"]), name
    agent = pods(manifests)["agent"]["containers"][0]
    paths = {kind: agent[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")}
    assert paths == {"startup": "/startupz", "liveness": "/healthz", "readiness": "/ready"}
    peers = next(each for each in manifests if each["kind"] == "Service" and each["metadata"]["name"] == "agents")
    assert peers["spec"]["clusterIP"] == "None" and peers["spec"]["publishNotReadyAddresses"] is True


def test_the_unit_is_what_systemd_takes_and_hardened(tmp_path):
    """Verified by systemd itself, with a program that is there in the place of ours, and low in its measure of exposure."""
    unit = tmp_path / "chorus-tui.service"
    text = (DEPLOY / "systemd/chorus-tui.service").read_text()
    unit.write_text(text.replace("/opt/chorus-tui/bin/chorus-tui", sys.executable))

    assert (
        "chorus-tui.service"
        not in subprocess.run(
            ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=True
        ).stderr
    )
    said = run("systemd-analyze", "security", "--offline=true", unit)
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", said)[1]) <= EXPOSED_AT_MOST
    assert "Type=notify" in text


def test_the_unit_gives_up_on_an_engine_that_cannot_start():
    """Its limit of starts is reached even when each takes as long as it may: systemd counts them in a window of time."""
    text = (DEPLOY / "systemd/chorus-tui.service").read_text()
    head, _, service = text.partition("[Service]")
    of = {name: int(value) for name, value in re.findall(r"^(StartLimit\w+)=(\d+)$", head, re.MULTILINE)}
    each = sum(int(value) for value in re.findall(r"^(?:RestartSec|TimeoutStartSec)=(\d+)$", service, re.MULTILINE))

    assert of["StartLimitBurst"] * each < of["StartLimitIntervalSec"]


def test_prometheus_takes_its_configuration():
    """By promtool, with the alert rules beside it."""
    assert "SUCCESS" in run("promtool", "check", "config", DEPLOY / "prometheus/prometheus.yml")
