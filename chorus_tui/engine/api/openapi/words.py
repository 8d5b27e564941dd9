"""What the description says in words."""

from __future__ import annotations

from typing import Final

ABOUT: Final = """\
Everything a person can do on a screen of chorus-tui, a program can do here: both are the same list of operations.

**Doors.** The Unix socket of the engine's own user needs no token. TCP wants `Authorization: Bearer <token>`; probes and `/metrics` want \
none. TCP is plain HTTP: beyond this machine put a proxy with TLS before it, or whoever sees the packets \
has the token. Tokens have the scope read, operate or admin, each with those before it. The first three stand in `api.tokens` in the \
engine's data folder; `chorus-tui token new` makes others, with `--person` for somebody whose \
name is then in what is done with it, `chorus-tui token revoke` voids them at once: \
streams and reads that wait end with 401, a change that has begun is carried to its end.

**Files of the engine's machine.** The engine's own user, at the Unix socket and without a token, may name any repository of that machine \
for a task. A token, whatever its scope and its door, names none (403), or those in the folder that was given with it: `chorus-tui token \
new --folder`, on that machine. No other operation takes a path that the engine opens.

**Refusals** are problem details (RFC 9457): what is wrong, why, and the way out, each wrong field by name.

**Once.** A POST with an `Idempotency-Key` is carried out once, however often it is sent: the same key \
with the same request gives the same \
answer for 24 hours, with another request 422; a refusal is not kept. A key is its caller's own: with another token it is another one. \
A restart of the engine forgets the keys; \
those of `tasks.announce` stay with the task.

**Pages.** A list takes `limit` and `cursor`. An answer that is not the end has `next`, the cursor of \
the page after it. A row that does not \
move meanwhile is given exactly once.

**Limits.** A token may ask `CHORUS_API_RATE` times a second, twice that at once (429 with `Retry-After`). \
A body has 1 MiB at most unless its \
operation says more (413) and arrives within 20 s (408); a line of the head has 8190 bytes (431). 256 calls run at once, and 256 streams \
(429): a quarter of each at most for one caller, and a quarter for the Unix socket alone. A change counts until it has ended, also when \
its caller has left.

**Events** stream from `/api/v1/events`, over a WebSocket or as server-sent events, and can be gone on with where a connection was lost.

**Times** are Unix seconds.
"""

TAGS: Final = {
    "engine": "The engine: greeting, stopping",
    "status": "How this peer and its mesh are",
    "tokens": "Who may ask over TCP",
    "events": "What happens, as it happens",
    "probes": "For what watches an engine from outside",
    "original": "Paths of the original CHORUS",
    "tasks": "Work: announced, granted, done, checked",
    "inbox": "What waits for a person",
    "hmmm": "Rooms: discussion, proposals, escalation",
    "collab": "Shared texts",
    "decisions": "Votes",
    "patches": "Changes: reviewed, submitted, applied",
    "ucxl": "Content under addresses, all its versions",
    "ucxi": "The same over plain HTTP; served when CHORUS_UCXI_ENABLED is set",
    "slurp": "What the mesh has learned",
    "assistance": "Questions to who knows an area",
    "coordination": "Sessions between tasks, projects, reports",
    "peers": "Peers in reach",
    "members": "Who belongs to the mesh, and what each may do",
    "election": "The admin and the voters",
    "network": "What another machine needs to join",
    "journal": "What was said and decided",
    "blobs": "Files by their hash",
    "vault": "Role keys",
    "web": "The portal as it is served to others, in browsers and over SSH",
}
