"""``docs/api.md``: a short guide, then every path in a table, made from the description."""

from __future__ import annotations

from typing import Any, Final

from chorus_tui.engine.api.openapi.words import TAGS

_HEAD: Final = """\
# The API

Made from the contract by `scripts/api.py`; a test holds it equal to the code. The engine serves the whole of it, with every field, at
`/openapi.json` (OpenAPI 3.1), and as a page at `/docs`.

"""
_USE: Final = """
## In practice

```
chorus-tui token new --scope operate --name ci --expires 30d > ci.token      # the token alone on stdout
chorus-tui token list
chorus-tui token revoke 9f86d081884c

curl -H "Authorization: Bearer $(cat ci.token)" http://127.0.0.1:8080/api/v1/status
curl -H "Authorization: Bearer $(cat ci.token)" -H 'Idempotency-Key: build-7' --json \\
     '{"spec": {"title": "Run the tests", "commands": ["make test"]}}' http://127.0.0.1:8080/api/v1/tasks
curl -N -H "Authorization: Bearer $(cat ci.token)" 'http://127.0.0.1:8080/api/v1/events?topics=tasks,log'
```

The page at `/docs` opens in a browser with any name, and the token as the password.

| variable | |
|---|---|
| `CHORUS_API_HOST`, `CHORUS_API_PORT` | where it listens; loopback and 8080 |
| `CHORUS_API_HOSTS` | further names that the Host header may have; addresses and names without a dot always may |
| `CHORUS_API_CORS_ORIGINS` | sites whose pages may call, such as `https://portal.example`; unset: none |
| `CHORUS_API_RATE` | requests a second that one token may make; 100 |
| `CHORUS_CALLBACK_HOSTS`, `CHORUS_CALLBACK_SECRET` | whom finished tasks may call, and what such calls are signed with |

"""
_CALLBACKS: Final = """
## When a task has ended

Wait for it: `GET /api/v1/tasks/{task_id}/wait?timeout_s=600` answers when the task has ended, or with how it is when the time is over
(`chorus-tui task wait`). Or be called: announce it with `callback_url`, an https address of a host in `CHORUS_CALLBACK_HOSTS`. The
engine that announced it sends a POST with the task (`{"event": "task_ended", "task": …}`, as `GET /api/v1/tasks/{task_id}` answers)
and the headers

| header | |
|---|---|
| `X-Chorus-Delivery` | the same for each try, so that a second one can be told |
| `X-Chorus-Timestamp` | Unix seconds of this try |
| `X-Chorus-Signature` | `v1=` and the HMAC-SHA256, in hex, of timestamp, `.` and body, under `CHORUS_CALLBACK_SECRET` |

An answer of 2xx within 10 s is a delivery. Anything else is tried again after 5 s, 10 s, 20 s and so on, an hour at most between two,
for a day; 410 ends it at once. Redirects are not followed. An address that is not public is called only when it is listed itself.
How it stands is in the task: `callback` with `state` (`waiting`, `delivered`, `given_up`), `tries` and the last error.

To check a call in Python:

```python
import hashlib, hmac, time


def genuine(secret: str, headers, body: bytes) -> bool:
    at = headers["X-Chorus-Timestamp"]
    wanted = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return abs(time.time() - int(at)) < 300 and hmac.compare_digest(headers["X-Chorus-Signature"], f"v1={wanted}")
```

## Everything

"""


def markdown(document: dict[str, Any]) -> str:
    """The chapter for ``document``."""
    rows: dict[str, list[str]] = {}
    for path, verbs in document["paths"].items():
        for verb, entry in verbs.items():
            row = f"| {verb.upper()} | `{path}` | {entry.get('x-scope', 'none')} | `{entry['operationId']}` | {entry['summary']} |"
            rows.setdefault(entry["tags"][0], []).append(row)
    tables = [
        "\n".join(
            [f"### {tag}", "", f"{text}.", "", "| | path | scope | operation | |", "|---|---|---|---|---|", *rows[tag]]
        )
        for tag, text in TAGS.items()
        if tag in rows
    ]
    return _HEAD + str(document["info"]["description"]) + _USE + _CALLBACKS.lstrip("\n") + "\n\n".join(tables) + "\n"
