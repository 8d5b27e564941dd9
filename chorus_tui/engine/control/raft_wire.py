"""What voters say, as frames of ``/chorus/raft/1.0.0``. Pure.

One-way: an answer is a frame of its own. A frame names mesh and incarnation, so that what another store of the same peer
once said is never counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chorus_tui.engine.control.raft_log import Entry, Position
from chorus_tui.engine.control.raft_messages import (
    Append,
    AppendReply,
    Behind,
    Message,
    TimeoutNow,
    VoteReply,
    VoteRequest,
)
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.canonical import WireError

PROTOCOL = "/chorus/raft/1.0.0"


@dataclass(frozen=True, slots=True)
class Report:
    """A member tells the admin, every heartbeat, how far its log is and how it fares. ``docker``, ``free`` (per mille of its
    processors) and ``linked`` (members it is linked to) are inputs of its score."""

    term: int
    commit: int
    leaving: bool = False
    docker: bool = False
    free: int = 0
    linked: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """A message with what belongs to it: ``sig`` of a vote, an acknowledgement or a handing over, items, elections and the newest
    certificate with entries."""

    mesh_id: str
    incarnation: str
    message: Message | Report
    sig: str = ""
    items: tuple[dict[str, str], ...] = ()
    elections: tuple[dict[str, Any], ...] = ()
    certificate: dict[str, Any] | None = None


def encode(frame: Frame) -> bytes:
    """Canonical bytes."""
    value: dict[str, Any] = {"mesh_id": frame.mesh_id, "incarnation": frame.incarnation, "term": frame.message.term}
    match frame.message:
        case VoteRequest(_, last, pre, transfer):
            value |= {
                "kind": "vote_request",
                "last": [last.index, last.term],
                "pre": pre,
                "transfer": transfer,
                "sig": frame.sig,
            }
        case VoteReply(_, granted, pre, last):
            value |= {"kind": "vote", "granted": granted, "pre": pre, "last": [last.index, last.term], "sig": frame.sig}
        case Append(_, prev, _):
            value |= {
                "kind": "append", "prev": [prev.index, prev.term], "entries": list(frame.items), "elections": list(frame.elections),
                "certificate": frame.certificate,
            }  # fmt: skip
        case AppendReply(_, success, index):
            value |= {"kind": "stored", "success": success, "index": index, "sig": frame.sig}
        case Behind(_, commit):
            value |= {"kind": "behind", "commit": commit}
        case TimeoutNow(_):
            value |= {"kind": "timeout_now", "sig": frame.sig}
        case Report(_, commit, leaving, docker, free, linked):
            value |= {
                "kind": "report", "commit": commit, "leaving": leaving, "docker": docker, "free": free, "linked": linked,
            }  # fmt: skip
    return canonical.encode_frame(value)


def decode(raw: bytes) -> Frame:
    """Check form; signatures are the caller's. The entries of an ``append`` are in ``items`` only. Raises
    :class:`WireError`."""
    value = canonical.decode_frame(raw)
    if not isinstance(value, dict):
        raise WireError("bad_frame", "A frame is an object")
    try:
        return Frame(
            _text(value["mesh_id"]), _text(value["incarnation"]), _message(value), _text(value.get("sig", "")),
            _items(value.get("entries")), tuple(_objects(value.get("elections"))), value.get("certificate"),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise WireError("bad_frame", f"No message between voters: {error!r}") from None


def _message(value: dict[str, Any]) -> Message | Report:
    term = _number(value["term"])
    match value["kind"]:
        case "vote_request":
            return VoteRequest(term, _position(value["last"]), value["pre"] is True, value["transfer"] is True)
        case "vote":
            return VoteReply(term, value["granted"] is True, value["pre"] is True, _position(value["last"]))
        case "append":
            return Append(term, _position(value["prev"]), ())
        case "stored":
            return AppendReply(term, value["success"] is True, _number(value["index"]))
        case "behind":
            return Behind(term, _number(value["commit"]))
        case "timeout_now":
            return TimeoutNow(term)
        case "report":
            return Report(
                term, _number(value["commit"]), value["leaving"] is True, value["docker"] is True,
                min(_number(value["free"]), 1000), _number(value["linked"]),
            )  # fmt: skip
        case other:
            raise ValueError(f"unknown kind {other!r}")


def with_entries(message: Append, entries: list[Entry]) -> Append:
    """The message, its entries verified."""
    return Append(message.term, message.prev, tuple(entries))


def _items(value: Any) -> tuple[dict[str, str], ...]:
    items = _objects(value)
    return tuple({"entry": _text(item["entry"]), "sig": _text(item["sig"])} for item in items)


def _objects(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise TypeError("no list of objects")
    return value


def _position(value: Any) -> Position:
    index, term = value
    return Position(_number(index), _number(term))


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= canonical.MAX_INTEGER:
        raise ValueError("not a number in range")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
