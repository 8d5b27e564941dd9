"""Assistance: questions to who knows, and their answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from chorus_tui.contract.models.common import Answer, Page, Paged, Request

Name = Annotated[str, Field(min_length=1, max_length=64)]


class ListQuestions(Paged):
    """Those without an answer that helps; with ``everything`` all of them."""

    everything: bool = False


class AskQuestion(Request):
    """Put ``question`` to who knows one of ``expertise``; with ``to_roles`` nobody else can read it. ``mentor``: to the one agent
    with the best record."""

    question: str = Field(min_length=1, max_length=2_000)
    expertise: list[Name] = Field(default_factory=list, max_length=16)
    to_roles: list[Name] = Field(default_factory=list, max_length=16)
    urgency: Literal["low", "medium", "high"] = "medium"
    mentor: bool = False

    @model_validator(mode="after")
    def _addressed(self) -> AskQuestion:
        if not self.expertise and not self.mentor:
            raise ValueError("expertise: name an area that it takes, or ask for a mentor")
        if self.mentor and self.to_roles:
            raise ValueError("to_roles: a call for a mentor is open to all")
        return self


class AnswerQuestion(Request):
    """An answer; ``request`` is the question's id, or how it begins."""

    request: str = Field(min_length=8, max_length=64, pattern=r"^[0-9a-f]+$")
    text: str = Field(min_length=1, max_length=4_000)


class GivenAnswer(Answer):
    """An answer with its verified signer; ``text`` is empty where it is not for this peer."""

    by: str
    name: str
    at: float
    text: str
    restricted: bool = False


class QuestionView(Answer):
    """A question. ``text`` is empty where it is not for this peer; ``hops`` counts how often it was passed on."""

    request: str
    kind: Literal["help", "expertise", "mentorship"]
    text: str
    restricted: bool = False
    expertise: list[str] = Field(default_factory=list)
    to_roles: list[str] = Field(default_factory=list)
    by: str
    name: str
    at: float
    urgency: str = "medium"
    task_id: str = ""
    hops: int = 0
    passed_on_from: str = ""
    answers: list[GivenAnswer] = Field(default_factory=list, description="Those that help, oldest first")
    declined: int = Field(default=0, description="How many said that they cannot help")
    called: bool = Field(default=False, description="Nobody helped in time; people were called")


class QuestionList(Page):
    """Newest first."""

    questions: list[QuestionView]
