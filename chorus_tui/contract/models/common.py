"""Shared by all areas."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Request(BaseModel):
    """Base of requests: unknown fields are an error that names them, so that a typing mistake never passes."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Answer(BaseModel):
    """Base of answers: unknown fields are ignored, so that an older client reads a newer engine."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class Paged(Request):
    """A list, page by page: ``limit`` rows at most, those after ``cursor``, which is ``next`` of the page before."""

    limit: int = Field(default=1000, ge=1, le=1000)
    cursor: str | None = Field(default=None, min_length=1, max_length=2048)


class Page(Answer):
    """A page of a list."""

    next: str | None = Field(default=None, description="Cursor of the page after it; none: it is the last")


class Empty(Answer):
    """Nothing to say."""
