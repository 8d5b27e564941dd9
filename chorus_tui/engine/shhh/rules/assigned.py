"""Secrets that only the words beside them give away: names, headers, addresses. What is an id of our own is none.

These take any value of eight characters or more, because a password has no shape. Code that only names where a secret comes
from (a call, a variable, a placeholder) is left alone.
"""

from __future__ import annotations

import re

from chorus_tui.engine.shhh.rules.rule import Rule

_OURS = re.compile(
    rb"12D3KooW[1-9A-HJ-NP-Za-km-z]{44}|[0-7][0-9A-HJKMNP-TV-Z]{25}|(?:sha256|blake3|blake2b):[0-9a-f]{64}"
    rb"|sha(?:256|384|512)-[A-Za-z0-9+/]{43,88}={0,2}|age1[a-z0-9]{20,}|(?i:ucxl)://.*|/(?:ip4|ip6|dns4?|dns6|p2p)/.*"
    rb"|(?:baf[yk]|Qm)[A-Za-z0-9]{40,60}",
    re.DOTALL,
)
"""Peer ids, ULIDs, digests, recipients, addresses: what a mesh is full of, and what hides nothing."""
_PLACEHOLDER = re.compile(
    rb"\$[\{(]?[A-Za-z_][\w.]*[\})]?|\$\{\{?.*|\{\{?.*\}|<.*>?|%[A-Za-z(].*|[*.xX\xb7-]+|\[REDACTED:.*"
    rb"|(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*[(\[].*|(?:[A-Za-z_]+\.)+[A-Za-z_]+\)?|(?i:none|null|true|false|undefined|required|optional)",
    re.DOTALL,
)
"""Where a secret would stand: a variable, a call, an attribute, stars."""


def hidden(value: bytes) -> bool:
    """Whether a value is one to hide."""
    return not _OURS.fullmatch(value) and not _PLACEHOLDER.fullmatch(value)


def _of_a_header(value: bytes) -> bool:
    """Words behind ``basic`` and ``bearer`` are words."""
    return hidden(value) and not (value.isalpha() and (value.islower() or value.istitle()))


def _of_a_url(value: bytes) -> bool:
    """Any text has colons and at signs; a password is of some length."""
    return 3 <= len(value) <= 256 and hidden(value)


_NAMES = (
    r"(?:api|access|secret|private|signing|encryption|master|account|service|auth)[_-]?keys?|(?:client|app|consumer|shared)?[_-]?secret"
    r"|(?:auth|access|refresh|session|private|bot|api|id|secret|bearer|deploy|service)[_-]?token|pass(?:wd|word|phrase)|credentials?"
)
_IS = r"[\"'\\]{0,4}\]?[ \t]{0,8}(?:=>|:=|[=:])[ \t]{0,8}"
_KEYWORDS = ("key", "secret", "token", "passw", "passphrase", "credential")
_TOKEN_KEYWORDS = ("token",)

RULES = (
    Rule(
        "authorization", "high", ("bearer", "authorization"),
        r"(?i)\b(?:bearer|token)[ \t:]{1,3}[\"']?([A-Za-z0-9._~+/=-]{12,})",
        samples=("Authorization: Bearer «{url:40}»", "bearer «{alnum:32}»"), near=("bearer of bad news", "Bearer {alnum:5}"),
        valid=_of_a_header, after=2048,
    ),
    Rule(
        "basic-auth", "high", ("basic ",), r"(?i)\bbasic ([A-Za-z0-9+/]{12,}={0,2})",
        samples=("Authorization: Basic «{alnum:24}=»",), near=("basic income", "Basic {lower:7}"), after=1024,
        valid=_of_a_header,
    ),
    Rule(
        # A UCXL address has agent and role where a URL has its user and password.
        "url-password", "high", ("://",), r"://[^/\s:@\[\]\"'<>]*:([^/\s@\[\]\"'<>]+)@", not_behind=b"ucxl",
        samples=("postgres://grace:«{url:16}»@db.example:5432/shop", "https://ci:«{alnum:12}»@code.example/x.git"),
        near=("https://shop.example:8443/a@b", "ucxl://grace:developer@shop:decisions/*^/x"), valid=_of_a_url,
    ),
    Rule(
        "assigned", "medium", _KEYWORDS, rf"(?i)(?:{_NAMES}){_IS}[\"'\\]{{0,4}}([^\s\"'`,;&<>\\]{{8,512}})",
        samples=("DB_PASSWORD=«{alnum:14}»", '"client_secret": "«{url:30}»"', "api-key: «{alnum:24}»", "passwd: «{url:12}»"),
        near=("password: {alnum:3}", "password = getpass.getpass()", "the key: value pairs of it"), valid=hidden, before=16,
    ),
    Rule(
        "assigned", "medium", ("passw", "passphrase", "secret"),
        rf"(?i)(?:secret|pass(?:word|phrase)){_IS}\\{{0,4}}[\"']([^\"'\n\\]{{8,256}})",
        samples=('"passphrase": "«{lower:7} {lower:6} {lower:8}»"',), near=('"passphrase": ""',), valid=hidden, before=16,
    ),
    Rule(
        "assigned-token", "medium", _TOKEN_KEYWORDS, rf"(?i)token{_IS}[\"'\\]{{0,4}}([A-Za-z0-9_.~+/=-]{{16,512}})",
        samples=("token=«{alnum:32}»", '"token": "«{alnum:40}»"'), near=("token: {alnum:5}", "token = self.token_of(x)"),
        entropy=3.0, valid=hidden, before=2,
    ),
    Rule(
        # Known by its name, not by its dashes: text full of dashes (rules, tables, art) would cost a look at each of them.
        "option", "medium", _KEYWORDS,
        rf"(?i)--[a-z-]{{0,20}}(?:{_NAMES}|token)[= ][\"']?([^\s\"'`;&<>|-][^\s\"'`;&<>|]{{7,256}})",
        samples=("tool --password «{alnum:16}» --verbose", "--api-key=«{alnum:20}»"),
        near=("--password-file /run/x", "--token {alnum:3}"),
        valid=hidden, before=40, after=300,
    ),
    Rule(
        "user-option", "medium", ("curl",),
        r"\bcurl\b[^\n|;]{0,200}?[ ](?:-u|--user)[ =]?[\"']?[^\s:\"']{1,64}:([^\s\"'@]{3,128})",
        samples=("curl -s -u grace:«{alnum:14}» https://shop.example",),
        near=("curl -u grace https://shop.example",), valid=hidden,
    ),
    Rule(
        "netrc-password", "medium", ("machine ",), r"\bmachine [^\s]{1,128}\s+login [^\s]{1,128}\s+password ([^\s]{3,256})",
        samples=("machine code.example login grace password «{alnum:16}»",),
        near=("machine code.example login grace",), valid=hidden,
    ),
    Rule(
        "element", "medium", ("<pass", "<secret", "<api", "<token"),
        r"(?i)<(?:password|passwd|passphrase|secret|api[_-]?key|token)>([^<\s]{8,256})</",
        samples=("<password>«{alnum:14}»</password>",), near=("<password></password>",), valid=hidden,
    ),
)  # fmt: skip
