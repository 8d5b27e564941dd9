"""What operators load beside an engine: alert rules, their own tests, the dashboard. All name what really is there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from chorus_tui.cli.main import cli
from chorus_tui.engine.telemetry import catalogue
from tests.integration.system.alerting import FAULTS

DEPLOY = Path(__file__).parents[3] / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
SERIES = {name for metric in catalogue.METRICS.values() for name in catalogue.series(metric)}
DASHBOARD = json.loads((DEPLOY / "grafana/chorus.json").read_text())


def named(expression: str) -> set[str]:
    """The series of ours that an expression names."""
    return set(re.findall(r"\bchorus_[a-z0-9_]+", expression))


def labelled(expression: str) -> list[tuple[str, set[str]]]:
    """Each of our series with the labels that its own matchers name."""
    found = re.findall(r"\b(chorus_[a-z0-9_]+)\{([^}]*)\}", expression)
    return [(name, set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))) for name, matchers in found]


def expressions() -> list[str]:
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    return [*panels, *(rule["expr"] for rule in ALERTS)]


def test_the_rules_are_valid_and_each_fires_and_clears():
    """``promtool check rules`` and ``promtool test rules``."""
    for arguments in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]):
        done = subprocess.run(
            ["promtool", *arguments], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
        )

        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tested_silent_firing_and_clear():
    """By its name: once silent before the fault, once firing, once clear after it."""
    tests = yaml.safe_load((DEPLOY / "prometheus/alerts.test.yml").read_text())["tests"]
    looks = {
        test["name"]: [
            bool(look["exp_alerts"]) for look in test["alert_rule_test"] if look["alertname"] == test["name"]
        ]
        for test in tests
    }

    assert looks == {rule["alert"]: [False, True, False] for rule in ALERTS}


def test_each_alert_has_a_real_fault():
    """The table from which a real Prometheus is made to see each of them fire and clear (``python -m tests.soak alerts``) is whole."""
    assert sorted(FAULTS) == sorted(rule["alert"] for rule in ALERTS)


def test_the_last_run_saw_each_alert_fire_and_clear():
    """The committed results have each of them once, at a real Prometheus, and none that failed."""
    row = json.loads((DEPLOY.parent / "tests/soak/alerts.json").read_text())

    assert row["failed"] == []
    assert sorted(made["alert"] for made in row["rounds"]) == sorted(rule["alert"] for rule in ALERTS)


def test_all_that_is_named_exists():
    """Series and their labels, in alerts and on the dashboard, are those of the catalogue."""
    of = {name: set(metric.labels) for metric in catalogue.METRICS.values() for name in catalogue.series(metric)}
    for expression in expressions():
        assert named(expression) <= SERIES, expression
        for name, labels in labelled(expression):
            assert labels <= of[name] | {"job", "instance", "le"}, expression


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule):
    """Two severities; the commands it names exist."""
    assert rule["labels"]["severity"] in ("critical", "warning")
    for words in re.findall(r"chorus-tui ((?:[a-z]+ ?)+)", rule["annotations"]["action"]):
        command: click.Command | None = cli
        context = click.Context(cli)
        for word in words.split()[: 2 if isinstance(cli.get_command(context, words.split()[0]), click.Group) else 1]:
            assert isinstance(command, click.Group)
            found = command.get_command(context, word)
            if found is None and command is not cli and command.invoke_without_command:
                break  # the group answers by itself; what follows is the sentence
            command = found
            assert command is not None, words


def test_the_dashboard_is_whole():
    """Every panel has a place of its own, a question and a unit; no data source is hard-wired."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["targets"]
            assert panel["datasource"]["uid"] == "${datasource}"
