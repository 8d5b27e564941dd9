"""Settings of the services outside the mesh: the licence server, WHOOSH, BACKBEAT. How each is read, what belongs together. Pure.

Every ValueError says what is wrong and what would be right, and repeats no address: it may hold a password.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from chorus_tui.engine.model_settings import address, on_this_machine

CLUSTER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TEMPLATE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_NAMES = {".Service.Name": "CHORUS_SERVICE_NAME", ".Task.Slot": "CHORUS_TASK_SLOT", ".Agent.ID": "CHORUS_AGENT_ID"}


def public_key(text: str) -> str:
    """An Ed25519 public key as 64 hex digits; empty stays empty."""
    if not text or re.fullmatch(r"[0-9a-fA-F]{64}", text):
        return text.lower()
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise ValueError("not a public key; 32 bytes as 64 hex digits or as base64 are expected")
    return raw.hex()


def cluster(text: str) -> str:
    """A cluster's name, as beats may carry it."""
    if not CLUSTER.fullmatch(text):
        raise ValueError("no name of a cluster: 1 to 64 letters, digits, '_' and '-'")
    return text


def assign_url(text: str) -> str:
    """The address of an assignment, its templates still in it; a query is allowed, a user or password is not."""
    if not text:
        return ""
    unknown = [name for name in _TEMPLATE.findall(text) if name not in _NAMES]
    if unknown:
        raise ValueError(f"the template {{{{{unknown[0]}}}}} is not known; there are {', '.join(_NAMES)}")
    try:
        url = urlsplit(_TEMPLATE.sub("x", text))
        host, _ = url.hostname, url.port
    except ValueError:
        host, url = None, urlsplit("")
    if not host or url.scheme not in ("http", "https") or url.fragment or any(c in text for c in "\r\n\t"):
        raise ValueError(
            "no address such as https://whoosh.example/api/assignments/{{.Service.Name}}.{{.Task.Slot}}.json"
        )
    if "@" in url.netloc:
        raise ValueError("the address holds a user or password; WHOOSH gives assignments by their address alone")
    return text


def incomplete(values: Mapping[str, Any]) -> list[str]:
    """What one of these needs besides."""
    missing = []
    if values.get("CHORUS_KACHING_URL") and values.get("CHORUS_KACHING_PUBLIC_KEY") == "":
        missing.append("CHORUS_KACHING_PUBLIC_KEY: needed, because CHORUS_KACHING_URL names a licence server")
    missing += [
        f"ASSIGN_URL: {{{{{name}}}}} is filled in by Docker Swarm; elsewhere set {_NAMES[name]}"
        for name in dict.fromkeys(_TEMPLATE.findall(values.get("ASSIGN_URL") or "")) if values.get(_NAMES[name]) == ""
    ]  # fmt: skip
    return missing


def filled(url: str, *, service: str, slot: str, agent: str) -> str:
    """The address with its templates filled in."""
    known = {".Service.Name": service, ".Task.Slot": slot, ".Agent.ID": agent}
    return _TEMPLATE.sub(lambda found: quote(known[found[1]], safe=""), url)


def unencrypted(values: Mapping[str, Any]) -> list[str]:
    """Services elsewhere that are spoken to in clear."""
    what = {
        "CHORUS_KACHING_URL": "the licence's id goes", "ASSIGN_URL": "the assignment comes",
        "CHORUS_BACKBEAT_ENDPOINT": "claims and bar reports go",
    }  # fmt: skip
    found = []
    for name, words in what.items():
        url = urlsplit(_TEMPLATE.sub("x", values.get(name) or ""))
        if url.scheme == "http" and not on_this_machine(url.hostname or ""):
            found.append(f"{name}: {words} unencrypted; anybody on the way to {url.hostname} can read it")
    return found


READERS: dict[str, Callable[[str], Any]] = {
    "CHORUS_KACHING_URL": address,
    "CHORUS_KACHING_PUBLIC_KEY": public_key,
    "CHORUS_CLUSTER_ID": cluster,
    "ASSIGN_URL": assign_url,
    "CHORUS_BACKBEAT_ENDPOINT": address,
}
