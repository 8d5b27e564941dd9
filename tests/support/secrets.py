"""Made-up secrets of every rule, and the ten places where they are written."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Iterator
from random import Random
from urllib.parse import quote

from chorus_tui.engine.shhh.rules import RULES
from chorus_tui.engine.shhh.rules.shapes import made

CONTEXTS = {
    "env": lambda text: f"LANG=C\nNOTE={text}\nHOME=/root",
    "shell": lambda text: f"export NOTE='{text}' && ./run --fast",
    "json": lambda text: json.dumps({"id": 7, "note": text, "on": True}),
    "yaml": lambda text: f"name: shop\nnote: {text}\nport: 80",
    "url": lambda text: f"GET https://shop.example/x?a=1&note={quote(text, safe='')}&b=2",
    "header": lambda text: f"X-Note: {text}\r\nAccept: */*",
    "log line": lambda text: f"2026-01-02T03:04:05Z INFO shop: got {text} from 192.0.2.7",
    "markdown": lambda text: f"# Notes\n\n- use `{text}` for it\n\n```\n{text}\n```\n",
    "base64": lambda text: f"data: {base64.b64encode(text.encode()).decode()} end",
    "nested": lambda text: json.dumps({"body": json.dumps({"note": text})}),
}


def samples(chance: Random, each: int = 1) -> Iterator[tuple[str, str, str]]:
    """(rule, text, the secret in it), ``each`` of every shape of every rule."""
    for rule in RULES:
        for shape in rule.samples:
            for _ in range(each):
                yield rule.name, *made(shape, chance.choice)


def near_misses(chance: Random) -> Iterator[tuple[str, str]]:
    """(rule, text) of everything that only looks like one."""
    for rule in RULES:
        for shape in rule.near:
            yield rule.name, made(shape, chance.choice)[0]


def stand_in(written: str, secret: str) -> list[str]:
    """Forms of a secret that must not be left in a context: as it is, escaped, encoded; without the last of what base64 shares."""
    forms = [secret, json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))[3:-3], quote(secret, safe="")]
    # Where its bytes begin inside the three that become four letters: the letters that it shares with others are left off.
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret.encode()).decode().rstrip("=")
        forms.append(encoded[(0, 2, 3)[before] : (len(secret.encode()) + before) // 3 * 4])
    return [form for form in forms if form and form in written]


def own_ids(chance: Random, count: int) -> Iterator[str]:
    """Whatever a mesh is full of, in turn: none of it is a secret, also behind a name that says so."""
    base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    bech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    while True:
        seed = chance.randbytes(32)
        peer = "12D3KooW" + "".join(chance.choices(base58, k=44))
        ulid = "01" + "".join(chance.choices(crockford, k=24))
        digest = hashlib.sha256(seed).hexdigest()
        for one in (
            peer, ulid, digest, f"sha256:{digest}", f"/ip4/192.0.2.7/tcp/9000/p2p/{peer}", f"ucxl://{peer}:any@shop:{ulid}/*^/a/b",
            "age1" + "".join(chance.choices(bech32, k=58)), hashlib.sha1(seed).hexdigest(), str(uuid.UUID(bytes=seed[:16])),
            f"sha512-{_sri(seed)}", "bafy" + "".join(chance.choices("abcdefghijklmnopqrstuvwxyz234567", k=55)),
            "Qm" + "".join(chance.choices(base58, k=44)), f"[REDACTED:assigned:{digest[:8]}]", hashlib.blake2b(seed).hexdigest(),
            f'{{"task_id": "{ulid}", "token": 17, "sig": "{digest}{digest}"}}', f"password=[REDACTED:assigned:{digest[:8]}]",
            f"auth_token: {peer}", f'"api_key": "sha256:{digest}"', f"access_key=ucxl://{ulid}:any@any:any/*^/",
        ):  # fmt: skip
            yield one
            count -= 1
            if count == 0:
                return


def _sri(seed: bytes) -> str:
    return base64.b64encode(hashlib.sha512(seed).digest()).decode()
