"""The one list of operations: routes, their description and how a client calls them are made from it.

Commands and the keys of screens are written by hand: each names an operation of the list and uses its models.

A subject a module; this is the flat list of them all. It stays light (standard library only), because ``chorus-tui --help``
imports it.
"""

from __future__ import annotations

from chorus_tui.contract.operations import (
    contents,
    coordination,
    decisions,
    engine,
    journal,
    mesh,
    patches,
    portals,
    rooms,
    shhh,
    tasks,
    vault,
)
from chorus_tui.contract.operations.operation import Operation, Scope

__all__ = ["BY_NAME", "OPERATIONS", "Operation", "Scope"]

OPERATIONS: tuple[Operation, ...] = (
    *engine.OPERATIONS,
    *decisions.OPERATIONS,
    *patches.OPERATIONS,
    *mesh.OPERATIONS,
    *tasks.OPERATIONS,
    *coordination.OPERATIONS,
    *contents.OPERATIONS,
    *rooms.OPERATIONS,
    *journal.OPERATIONS,
    *shhh.OPERATIONS,
    *vault.OPERATIONS,
    *portals.OPERATIONS,
)

BY_NAME = {operation.name: operation for operation in OPERATIONS}
