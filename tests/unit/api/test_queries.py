"""What our own client writes into an address, our own server reads: whatever the kind of a field."""

from __future__ import annotations

import types
import typing
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from chorus_tui.client.socket_client import _query
from chorus_tui.contract.operations import OPERATIONS
from chorus_tui.engine.api import requests

VALUES: dict[type, list[Any]] = {bool: [True, False], int: [0, 7], float: [0.5, 3.0], str: ["true", "7", "a&b=c ü"]}


def of(kind: Any) -> list[Any]:
    """Values that a field of this kind may have, as far as it is a plain one."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        return [value for part in typing.get_args(kind) for value in of(part)]
    return VALUES.get(kind, [])


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.verb == "GET"], ids=lambda one: one.name)
def test_a_field_is_read_as_it_was_written(operation):
    """Booleans, numbers and texts of every request that travels in an address."""
    model = operation.request_model()
    for name, field in model.model_fields.items():
        for value in of(field.annotation):
            address = URL("/x").with_query(_query({name: value}))

            assert requests._query(make_mocked_request("GET", str(address)), model) == {name: value}
