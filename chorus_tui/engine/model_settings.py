"""Settings of language models: how each is read, and what of them belongs together. Pure.

Every ValueError says what is wrong and what would be right, and repeats no key and no password.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


def models(text: str) -> dict[str, str | dict[str, str]]:
    """By role and kind of task: a model, or models by provider."""
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON: {error}") from None
    by_provider = value.values() if isinstance(value, dict) else [None]
    named = [name for found in by_provider for name in (found.values() if isinstance(found, dict) else [found])]
    if not all(isinstance(name, str) and name for name in named):
        raise ValueError(
            'an object of role and model is expected, such as {"reviewer": "a-model", "*/plan": {"ollama": "another"}}'
        )
    return {str(key): found for key, found in value.items()}


def key(text: str) -> str:
    """A key as it can stand in a header."""
    if not re.fullmatch(r"[!-~]*", text):
        raise ValueError("holds a space, a line end or a letter that no key has")
    return text


def address(text: str) -> str:
    """An address of a service; empty stays empty. Without a scheme only on this machine, so that nobody goes unencrypted by omission."""
    if not text:
        return ""
    given = text if "://" in text else f"http://{text}"
    try:
        url = urlsplit(given)
        host, _ = url.hostname, url.port
    except ValueError:
        host, url = None, urlsplit("")
    if not host or url.scheme not in ("http", "https") or url.query or url.fragment or any(c.isspace() for c in text):
        raise ValueError("no address such as http://127.0.0.1:11434 or https://host/v1")
    if "@" in url.netloc:
        raise ValueError("an address holds no user or password; the key has its own variable")
    if "://" not in text and not on_this_machine(host):
        raise ValueError(f"say https://{text}, or http://{text} if nobody else can listen on the way")
    return given.rstrip("/")


def on_this_machine(host: str) -> bool:
    """Whether an address never leaves this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_OF_PROVIDER = {"ollama": ("OLLAMA_ENDPOINT", "OLLAMA_MODEL"), "resetdata": ("RESETDATA_BASE_URL", "RESETDATA_MODEL")}


def incomplete(values: Mapping[str, Any]) -> list[str]:
    """What a named provider needs besides, and models of providers that are not named."""
    chain = values.get("CHORUS_AI_PROVIDER") or ()
    missing = [
        f"{name}: needed, because CHORUS_AI_PROVIDER names {provider}"
        for provider in chain for name in _OF_PROVIDER[provider] if values.get(name) == ""
    ]  # fmt: skip
    for key, models in (values.get("CHORUS_MODELS") or {}).items():
        named = set(models) if isinstance(models, dict) else set(chain[:1]) or {"a provider"}
        missing += [
            f"CHORUS_MODELS: {key!r} is for {provider}, which CHORUS_AI_PROVIDER does not name"
            for provider in sorted(named - set(chain))
        ]
    return missing


def unencrypted(values: Mapping[str, Any]) -> list[str]:
    """Providers elsewhere that are spoken to in clear."""
    found = []
    for provider in values.get("CHORUS_AI_PROVIDER") or ():
        name = _OF_PROVIDER[provider][0]
        url = urlsplit(values.get(name) or "")
        if url.scheme == "http" and not on_this_machine(url.hostname or ""):
            found.append(
                f"{name}: questions to {provider}, and its key if it has one, go unencrypted to {url.hostname}"
            )
    return found
