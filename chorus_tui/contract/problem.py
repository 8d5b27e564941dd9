"""How an engine says no: problem details (RFC 9457), typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Problem(Exception):
    """An answer that is not the one asked for.

    ``title`` says what is wrong, ``detail`` why and what to do; ``fields`` names each wrong field of a request with
    its message; ``retry_after_s`` when it is worth asking again. It never carries a secret.
    """

    status: int
    code: str
    title: str
    detail: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    retry_after_s: float | None = None

    def __str__(self) -> str:
        lines = [self.title]
        if self.detail:
            lines.append(self.detail)
        lines += [f"  {name}: {message}" for name, message in self.fields.items()]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The body of an ``application/problem+json`` answer."""
        body: dict[str, Any] = {"type": f"urn:chorus:problem:{self.code}", "status": self.status, "title": self.title}
        if self.detail:
            body["detail"] = self.detail
        if self.fields:
            body["fields"] = self.fields
        if self.retry_after_s is not None:
            body["retry_after_s"] = self.retry_after_s
        return body

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Problem:
        """Read what :meth:`as_json` wrote."""
        after = body.get("retry_after_s")
        return cls(
            status=int(body.get("status", 500)),
            code=str(body.get("type", "urn:chorus:problem:unknown")).rpartition(":")[2],
            title=str(body.get("title", "The engine answered with an error")),
            detail=str(body.get("detail", "")),
            fields={str(k): str(v) for k, v in dict(body.get("fields", {})).items()},
            retry_after_s=float(after) if isinstance(after, (int, float)) else None,
        )


def not_found(what: str, identifier: str, hint: str = "") -> Problem:
    """404: there is no such thing here."""
    return Problem(404, "not-found", f"No {what} {identifier!r} here", hint)


def invalid(fields: dict[str, str], title: str = "The request is not valid") -> Problem:
    """422: fields of the request are wrong; each with its message."""
    return Problem(422, "invalid", title, "", fields)
