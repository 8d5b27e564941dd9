"""Shared by all areas."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Request(BaseModel):
    """Base of requests: unknown fields are an error that names them, so that a typing mistake never passes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """Base of answers: unknown fields are ignored, so that an older client reads a newer engine."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Empty(Answer):
    """Nothing to say."""
