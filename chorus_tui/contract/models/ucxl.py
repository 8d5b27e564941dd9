"""Content under addresses: versions, search, the tree, comparison and travel between versions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chorus_tui.contract.models.common import Answer, Page, Paged, Request

MOST_ADDRESS = 1024
MOST_DATA = 23 * 1024 * 1024
"""Characters of base64 that 16 MiB of content take."""

AddressText = Annotated[str, Field(min_length=1, max_length=MOST_ADDRESS)]
EntryHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Reader = Annotated[str, Field(min_length=1, max_length=160)]
Tag = Annotated[str, Field(min_length=1, max_length=64)]
Operation = Literal["latest", "first", "back", "forward", "version", "at"]


# ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class AddressRef(Request):
    """What an address means."""

    address: AddressText


class ListVersions(Paged):
    """The versions of what an address means."""

    address: AddressText


class PutContent(Request):
    """A new version. ``data`` is base64.

    ``mine``: sealed to whoever reads what this peer writes; else to ``readers``, or readable by every member. ``parents`` are the
    versions that it was made from, by their entries: when others came meanwhile it is refused, unless ``sibling`` says that both are
    to be kept; without them it follows all newest ones. ``fresh``: refused when there is content already.
    """

    address: AddressText
    data: str = Field(max_length=MOST_DATA)
    media_type: str = Field(default="", max_length=200)
    readers: list[Reader] = Field(default_factory=list, max_length=16)
    mine: bool = False
    parents: list[EntryHash] | None = Field(default=None, max_length=16)
    sibling: bool = False
    fresh: bool = False
    description: str = Field(default="", max_length=1_000)
    tags: list[Tag] = Field(default_factory=list, max_length=16)


class RemoveContent(Request):
    """A tombstone: the latest version has no content; earlier ones stay."""

    address: AddressText
    description: str = Field(default="", max_length=1_000)


class DiffContent(Request):
    """Two versions; without ``against`` the one before."""

    address: AddressText
    against: str = Field(default="", max_length=MOST_ADDRESS)


class SearchContent(Request):
    """``pattern`` may have wildcards, its path is the beginning of paths; ``text`` is looked for in what this peer can open."""

    pattern: str = Field(default="", max_length=MOST_ADDRESS)
    text: str = Field(default="", max_length=256)
    limit: int = Field(default=50, ge=1, le=500)


class ListPlaces(Paged):
    """Places, the one changed last first."""

    limit: int = Field(default=200, ge=1, le=1000)


class ReadTree(Request):
    """What is below: ``under`` are a project, agent, role and task, then the parts of a path, as far as one wants to go."""

    under: list[Annotated[str, Field(min_length=1, max_length=256)]] = Field(default_factory=list, max_length=64)


class Navigate(Request):
    """A step from the version that ``address`` means. ``steps`` of ``version`` is its number; ``at`` is RFC 3339."""

    address: AddressText
    operation: Operation
    steps: int = Field(default=1, ge=0, le=2**53 - 1)
    at: str = Field(default="", max_length=64)


# ── answers ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class VersionRow(Answer):
    """One version. ``n`` counts from 1, and may still change unless ``settled``; ``at`` in seconds. ``digest`` and ``size`` are of
    the stored bytes. ``siblings`` are numbers of versions written without knowing of it, ``sibling_count`` how many in all."""

    address: str
    place: str
    n: int
    settled: bool
    entry: str
    author: str
    author_name: str
    on_behalf_of: str = ""
    at: float
    digest: str = ""
    size: int = 0
    media_type: str = ""
    readers: list[str] = Field(default_factory=list)
    parents: list[str] = Field(default_factory=list)
    siblings: list[int] = Field(default_factory=list)
    sibling_count: int = 0
    tombstone: bool = False
    description: str = ""
    tags: list[str] = Field(default_factory=list)


class PlaceRow(Answer):
    """One thing and its latest version. ``versions`` counts them."""

    place: str
    versions: int
    entry: str
    author_name: str
    at: float
    media_type: str = ""
    size: int = 0
    sealed: bool = False
    tombstone: bool = False
    siblings: int = 0


RECORD_TYPE = "application/vnd.chorus.record+json"
"""The media type of what stays of a decision or a task, which screens and the command line tell in words."""


class Content(Answer):
    """``data`` is base64. ``newest`` are the entries that an edit of it follows."""

    version: VersionRow
    data: str
    newest: list[str] = Field(default_factory=list)


class Put(Answer):
    """``redacted``: secrets were taken out before it was stored. ``held_by`` others of ``reachable`` hold its bytes."""

    version: VersionRow
    redacted: bool = False
    held_by: int = 0
    reachable: int = 0


class History(Page):
    """All versions, the first one first."""

    place: str
    versions: list[VersionRow]


class Diff(Answer):
    """A unified diff, and both texts; ``note`` says what is not compared line by line and why, ``cut`` that lines are left out."""

    before: VersionRow
    after: VersionRow
    equal: bool
    lines: list[str] = Field(default_factory=list)
    texts: list[str] = Field(default_factory=list, description="Before and after, unless they are no texts")
    cut: bool = False
    note: str = ""


class Hit(Answer):
    """A place that fits; ``line`` and ``snippet`` where the text was found."""

    row: PlaceRow
    line: int = 0
    snippet: str = ""


class Hits(Answer):
    """``cut`` says what was not looked through, empty: all was."""

    hits: list[Hit]
    looked_at: int = 0
    cut: str = ""


class PlaceList(Page):
    """``places`` the one changed last first; ``total`` counts all."""

    places: list[PlaceRow]
    total: int


class TreeNode(Answer):
    """``name`` of the next part; ``places`` below it; ``place`` when content is right there."""

    name: str
    kind: Literal["project", "agent", "role", "task", "path"]
    places: int
    place: str = ""


class Tree(Answer):
    """Children, by name."""

    under: list[str]
    children: list[TreeNode]


class NavigationStep(Answer):
    """A step between versions. Without ``success``, ``error`` says why and ``to_version`` is ``from_version``."""

    place: str
    from_version: int
    to_version: int
    maximum: int
    operation: Operation
    timestamp: float
    success: bool
    error: str = ""
    version: VersionRow | None = None


class Source(Answer):
    """A peer that gives the bytes. ``announced``: it said so lately, and was not asked since."""

    peer_id: str
    name: str
    announced: bool = False


class Sources(Answer):
    """Who holds a version now, besides this peer (``here``); ``asked`` members were in reach at ``at``."""

    version: VersionRow
    sources: list[Source]
    here: bool
    asked: int
    at: float
