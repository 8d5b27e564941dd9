"""The OpenAPI 3.1 document: every operation of the contract with its parameters, bodies, scopes and answers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final, cast

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from chorus_tui import __version__
from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.operations import Operation
from chorus_tui.engine.api.openapi import examples
from chorus_tui.engine.api.openapi.beside import beside
from chorus_tui.engine.api.openapi.refusals import PROBLEM, REFUSALS, refusals
from chorus_tui.engine.api.openapi.words import ABOUT, TAGS

Schema = dict[str, Any]

_KEY: Final[Schema] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key with the same request gives the same answer, and the request is carried out once",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
    "example": "b7c1e0c2-release-1",
}
_REPLAYED: Final[Schema] = {
    "Idempotency-Replayed": {"description": "Whether this answer was given before", "schema": {"const": "true"}}
}


def describe(operations: Iterable[Operation], *, ucxi: bool = True) -> dict[str, Any]:
    """The document for ``operations``, and for what is served beside them; ``ucxi``: UCXI too."""
    listed = list(operations)
    refs, schemas = _schemas(listed)
    paths: dict[str, Any] = {}
    for operation in listed:
        request = schemas[refs[operation.request_model(), "validation"]["$ref"].rpartition("/")[2]]
        answer = refs[operation.response_model(), "serialization"]
        entry = _operation(operation, request, answer, schemas)
        paths.setdefault(operation.path, {})[operation.verb.lower()] = entry
    for path, verbs in beside({operation.name for operation in listed}, paths, ucxi=ucxi).items():
        paths.setdefault(path, {}).update(verbs)
    used = {tag for verbs in paths.values() for entry in verbs.values() for tag in entry["tags"]}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "chorus-tui",
            "version": __version__,
            "summary": "What an engine of a mesh can be asked",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The engine that serves this document"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items() if name in used],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": PROBLEM},
            "responses": REFUSALS,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of this engine; its scope is read, operate or admin, each with those before it",
                }
            },
        },
        "security": [{"token": []}],
    }


def _schemas(
    operations: list[Operation],
) -> tuple[dict[tuple[type[BaseModel], JsonSchemaMode], Schema], dict[str, Schema]]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
    for operation in operations:
        wanted[operation.request_model(), "validation"] = None
        wanted[operation.response_model(), "serialization"] = None
    refs, definitions = models_json_schema(list(wanted), ref_template="#/components/schemas/{model}")
    schemas = {name: _plainly(schema) for name, schema in definitions.get("$defs", {}).items()}
    return cast("dict[tuple[type[BaseModel], JsonSchemaMode], Schema]", refs), schemas


def _plainly(schema: Any) -> Any:
    """``schema`` with arrays of one kind said as such: not every reader of OpenAPI 3.1 knows ``prefixItems``."""
    if isinstance(schema, list):
        return [_plainly(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _plainly(part) for name, part in schema.items()}
    first = plain.get("prefixItems")
    if isinstance(first, list) and all(part == first[0] for part in first):
        del plain["prefixItems"]
        plain["items"] = first[0]
    return plain


def _operation(op: Operation, request: Schema, answer: Schema, schemas: dict[str, Schema]) -> dict[str, Any]:
    in_path = re.findall(r"{(\w+)}", op.path)
    properties = {} if op.request_model() is Empty else request.get("properties", {})
    required = request.get("required", [])
    entry: dict[str, Any] = {
        "operationId": op.name,
        "summary": op.help,
        "tags": [op.name.partition(".")[0]],
        "security": [{"token": [op.scope.name.lower()]}],
        "x-scope": op.scope.name.lower(),
        "responses": {
            "200": {
                "description": "The answer",
                "content": {"application/json": {"schema": answer, "example": examples.value("", answer, schemas)}},
            },
            **refusals(changes=op.verb != "GET"),
        },
    }
    if text := request.get("description"):
        entry["description"] = text
    in_query = [name for name in properties if name not in in_path] if op.verb == "GET" else []
    parameters = [
        {
            "name": name,
            "in": "path" if name in in_path else "query",
            "required": name in in_path or name in required,
            **_described(op, name, properties.get(name, {"type": "string"}), schemas),
        }
        for name in [*in_path, *in_query]
    ]
    if op.verb != "GET":
        parameters.append(_KEY)
        entry["responses"]["200"]["headers"] = _REPLAYED
        if body := {name: schema for name, schema in properties.items() if name not in in_path}:
            entry["requestBody"] = _body(op, body, [name for name in required if name in body], schemas)
    if parameters:
        entry["parameters"] = parameters
    return entry


def _described(op: Operation, name: str, schema: Schema, schemas: dict[str, Schema]) -> dict[str, Any]:
    """A parameter's schema, what it means, and an example. A parameter is left out, it is never null."""
    plain = {key: part for key, part in schema.items() if key not in {"description", "title"}}
    given = [part for part in plain.get("anyOf", []) if part.get("type") != "null"]
    if len(given) == 1:
        plain = {**{key: part for key, part in plain.items() if key != "anyOf"}, **given[0]}
        if plain.get("default", 0) is None:
            del plain["default"]
    entry: dict[str, Any] = {"schema": plain}
    if text := schema.get("description"):
        entry["description"] = text
    example = examples.parameter(op.name, name, plain, schemas)
    return entry if example in ("", None) else {**entry, "example": example}


def _body(op: Operation, fields: Schema, needed: list[str], schemas: dict[str, Schema]) -> Schema:
    schema: Schema = {"type": "object", "properties": fields, "additionalProperties": False}
    if needed:
        schema["required"] = needed
    example = examples.request_body(op.name, schema, schemas)
    return {
        "required": bool(needed),
        "description": f"At most {op.body >> 20} MiB",
        "content": {"application/json": {"schema": schema, "example": example}},
    }
