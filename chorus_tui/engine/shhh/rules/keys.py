"""Keys that are secrets by themselves: private keys in their containers, tokens that carry their rights, stored passwords."""

from __future__ import annotations

import re

from chorus_tui.engine.shhh.rules.rule import Rule

LONGEST_KEY = 32 * 1024
"""Bytes between the first and the last line of a private key that are believed to be one key."""
_BEGIN = b"-----BEGIN "
_END = re.compile(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
BODY = re.compile(
    rb"(?:[\s>|\"',]|\\+[nrt]|[A-Za-z0-9+/=]{20,}|[A-Za-z0-9+/]{1,76}={1,2}|(?:Proc-Type|DEK-Info|Version|Comment): [^\n]{0,80})*"
)
"""What stands between the lines of a key, also where line ends are escaped."""


def key_end(text: bytes, start: int) -> int:
    """Where the private key whose first line ends at ``start`` is over: behind its last line, or, when that is missing,
    where its text stops looking like a key."""
    other = text.find(_BEGIN, start, start + LONGEST_KEY)
    last = _END.search(text, start, other if other >= 0 else start + LONGEST_KEY)
    if last is not None:
        return last.end()
    body = BODY.match(text, start)
    return start + len((body[0] if body else b"").rstrip())


RULES = (
    Rule(
        "private-key", "critical", ("private key",), r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
        samples=(
            "-----BEGIN RSA PRIVATE KEY-----\n{base64:64}\n{base64:64}\n{base64:40}==\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\\n{base64:64}\\n{base64:43}=\\n-----END PRIVATE KEY-----",
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{base64:70}\n{base64:70}\n-----END OPENSSH PRIVATE KEY-----",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{base64:64}\n{base64:60}\n={base64:4}\n-----END PGP PRIVATE KEY BLOCK-----",
        ),
        near=("-----BEGIN PUBLIC KEY-----\n{base64:64}\n-----END PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----\n{base64:64}"),
        extends=key_end, before=64,
    ),
    Rule(
        "openssh-key-body", "critical", ("b3blbnnzac1rzxktdje",), r"b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/=\r\n]{40,}",
        samples=("b3BlbnNzaC1rZXktdjEAAAAA{base64:120}",), near=("b3BlbnNzaC1rZXktdjE",), after=4096,
    ),
    Rule(
        "putty-key", "critical", ("private-lines:",),
        r"Private-Lines: \d{1,3}(?:\r?\n|\\+n)((?:[A-Za-z0-9+/=]{1,80}(?:\r?\n|\\+n)?)+)",
        samples=("Private-Lines: 2\n«{base64:64}\n{base64:44}»\n",), near=("Private-Lines: many",), after=8192,
    ),
    Rule(
        "age-key", "critical", ("age-secret-key-",), r"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{40,}",
        samples=("AGE-SECRET-KEY-1{uppernum:58}", "AGE-SECRET-KEY-PQ-1{uppernum:58}"),
        near=("age1{lowernum:58}", "AGE-SECRET-KEY-1{uppernum:12}"), after=2048,
    ),
    Rule(
        # Of this engine's own API, and of others' in the mesh.
        "chorus-token", "critical", ("chorus-read-", "chorus-operate-", "chorus-admin-"),
        r"chorus-(?:read|operate|admin)-[A-Za-z0-9_-]{43,}",
        samples=("chorus-read-{url:43}", "chorus-operate-{url:43}", "chorus-admin-{url:43}"),
        near=("chorus-admin-{url:20}", "chorus-submit-{url:43}", "chorus-read-only"),
    ),
    Rule(
        "jwt", "high", ("eyj",), r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
        samples=("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI{alnum:40}.{url:43}",),
        near=("eyJhbGciOiJIUzI1NiJ9.{url:30}", "eyJ{alnum:30}"),
        after=LONGEST_KEY,
    ),
    Rule(
        "password-hash", "medium", ("$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$", "$argon2"),
        r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}|\$(?:5|6|y)\$[./A-Za-z0-9=,$-]{1,80}\$[./A-Za-z0-9]{22,90}"
        r"|\$argon2(?:id?|d)\$v=\d+\$[a-z0-9=,]{5,60}\$[A-Za-z0-9+/]{11,90}\$[A-Za-z0-9+/]{16,120}",
        samples=("$2b$12${alnum:53}", "$6${alnum:16}${alnum:86}", "$argon2id$v=19$m=65536,t=3,p=4${alnum:22}${alnum:43}"),
        near=("$2b$12${alnum:10}", "costs $6$ a month"),
    ),
)  # fmt: skip
