"""The description of the API: valid, whole, with examples that hold, and the chapter made from it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from chorus_tui.contract.operations import OPERATIONS, Scope
from chorus_tui.engine.api.openapi.document import describe
from chorus_tui.engine.api.openapi.markdown import markdown
from chorus_tui.engine.api.openapi.page import page
from chorus_tui.engine.api.requests import MAX_BODY


@pytest.fixture(scope="module")
def document():
    """As JSON, since that is what is served."""
    return json.loads(json.dumps(describe(OPERATIONS)))


def entries(document):
    return {entry["operationId"]: entry for verbs in document["paths"].values() for entry in verbs.values()}


def test_it_is_valid(document):
    """It keeps the specification of OpenAPI 3.1, examples and defaults included."""
    validate(document, cls=OpenAPIV31SpecValidator)

    assert document["openapi"].startswith("3.1.")


def test_everything_is_in_it(document):
    """Every operation, and whatever else is served: events, probes, metrics, the original's paths, UCXI, itself."""
    found = entries(document)

    assert {operation.name for operation in OPERATIONS} <= set(found)
    assert {
        "/api/v1/events",
        "/healthz",
        "/startupz",
        "/ready",
        "/health",
        "/metrics",
        "/openapi.json",
        "/docs",
    } <= set(document["paths"])
    assert {"/api/health", "/api/status", "/api/hypercore/logs"} <= set(document["paths"])
    ucxi = {path for path in document["paths"] if path.startswith("/ucxi/v1/")}
    assert {path.rpartition("/")[2] for path in ucxi} == {
        "content",
        "announce",
        "discover",
        "navigate",
        "query",
        "subscribe",
    }
    assert not any(path.startswith("/ucxi") for path in describe(OPERATIONS, ucxi=False)["paths"])


def test_scopes_are_told(document):
    """Each operation names the scope it needs; only probes and metrics need no token."""
    found = entries(document)
    open_to_all = {name for name, entry in found.items() if entry.get("security") == []}

    assert all(found[op.name]["security"] == [{"token": [op.scope.name.lower()]}] for op in OPERATIONS)
    assert open_to_all == {
        "probes.alive", "probes.started", "probes.ready", "probes.health", "original.health", "probes.metrics",
    }  # fmt: skip


def test_who_may_only_read_sends_nothing_large():
    """What takes a large body is work for the engine, such as a search of a file for secrets: it needs more than read."""
    large = {op.name: op.scope for op in OPERATIONS if op.body > MAX_BODY}

    assert large["shhh.scan"] is Scope.OPERATE
    assert [name for name, scope in large.items() if scope is Scope.READ] == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_example_of_a_request_is_taken(document, operation):
    """What stands as an example is a request that the engine would validate."""
    entry = entries(document)[operation.name]
    values = {p["name"]: p.get("example") for p in entry.get("parameters", []) if p["in"] == "path"}
    values |= {p["name"]: p["example"] for p in entry.get("parameters", []) if p["in"] == "query" and "example" in p}
    if "requestBody" in entry:
        values |= entry["requestBody"]["content"]["application/json"]["example"]

    operation.request_model().model_validate_json(json.dumps(values))


def test_answers_have_examples_of_their_kind(document):
    """Each answer's example is one that a client would read."""
    found = entries(document)
    for operation in OPERATIONS:
        example = found[operation.name]["responses"]["200"]["content"]["application/json"]["example"]
        operation.response_model().model_validate_json(json.dumps(example))


def test_page_loads_nothing(document):
    """The page for people has every operation, no script, and no address of another host."""
    html = page(document)

    assert all(f"id='{operation.name}'" in html for operation in OPERATIONS)
    assert "<script" not in html
    assert not re.findall(r"(?:src|href)='(?!#|/openapi\.json)", html)
    assert "url(" not in html


def test_chapter_is_made_from_it(document):
    """docs/api.md is what the script would write now."""
    chapter = Path(__file__).parents[3] / "docs" / "api.md"

    assert chapter.read_text(encoding="utf-8") == markdown(describe(OPERATIONS)), (
        "run: PYTHONPATH=. python scripts/api.py"
    )
