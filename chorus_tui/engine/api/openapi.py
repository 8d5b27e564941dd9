"""OpenAPI 3.1, made from the contract's list of operations."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from chorus_tui import __version__
from chorus_tui.contract.operations import Operation

_PROBLEM = {
    "type": "object",
    "required": ["type", "status", "title"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def describe(operations: Iterable[Operation]) -> dict[str, Any]:
    """The document for ``operations``."""
    listed = list(operations)
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    for operation in listed:
        wanted[operation.request_model(), "validation"] = None
        wanted[operation.response_model(), "serialization"] = None
    refs, definitions = models_json_schema(list(wanted), ref_template="#/components/schemas/{model}")
    schemas = dict(definitions.get("$defs", {}))
    paths: dict[str, Any] = {}
    for operation in listed:
        request = refs[operation.request_model(), "validation"]
        answer = refs[operation.response_model(), "serialization"]
        entry = _operation(operation, request, answer, schemas)
        paths.setdefault(operation.path, {})[operation.verb.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {"title": "chorus-tui", "version": __version__, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(
    op: Operation, request: dict[str, Any], answer: dict[str, Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    in_path = re.findall(r"{(\w+)}", op.path)
    model = schemas[request["$ref"].rpartition("/")[2]]
    properties, required = model.get("properties", {}), model.get("required", [])
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": properties.get(name, {"type": "string"})}
        for name in in_path
    ]
    entry: dict[str, Any] = {
        "operationId": op.name,
        "summary": op.help,
        "tags": [op.name.partition(".")[0]],
        "x-scope": op.scope.name.lower(),
        "responses": {
            "200": {"description": "The answer", "content": {"application/json": {"schema": answer}}},
            "default": {
                "description": "A problem (RFC 9457)",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if op.verb == "GET":
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": schema}
            for name, schema in properties.items()
            if name not in in_path
        ]
    elif body := {name: schema for name, schema in properties.items() if name not in in_path}:
        needed = [name for name in required if name in body]
        schema = {"type": "object", "properties": body, "additionalProperties": False}
        entry["requestBody"] = {
            "required": bool(needed),
            "content": {"application/json": {"schema": {**schema, "required": needed} if needed else schema}},
        }
    if parameters:
        entry["parameters"] = parameters
    return entry
