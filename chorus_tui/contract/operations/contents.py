"""What is known and kept: context, files by hash, content under addresses."""

from __future__ import annotations

from chorus_tui.contract.operations.operation import Operation, Scope

_R, _O, _A = Scope.READ, Scope.OPERATE, Scope.ADMIN

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "slurp.context", "GET", "/api/v1/context", "slurp.AskContext", "slurp.ContextAnswer", _R,
        "What is known on a path, the most relevant first",
    ),
    Operation(
        "slurp.show", "GET", "/api/v1/context/nodes/{node_id}", "slurp.ContextRef", "slurp.ContextHops", _R,
        "One piece of context, what it builds on and what was built on it",
    ),
    Operation(
        "slurp.feedback", "POST", "/api/v1/context/feedback", "slurp.GiveFeedback", "slurp.FeedbackTaken", _O,
        "A person's word on a piece of context",
    ),
    Operation("slurp.stats", "GET", "/api/v1/context/stats", "common.Empty", "slurp.SlurpStats", _R, "How much is known"),
    Operation(
        "blobs.read", "GET", "/api/v1/blobs/{digest}", "blobs.ReadBlob", "blobs.BlobChunk", _R,
        "A range of a blob (an artifact, a transcript)",
    ),
    Operation("blobs.list", "GET", "/api/v1/blobs", "blobs.ListBlobs", "blobs.BlobList", _R, "Blobs held here, and why each is kept"),
    Operation(
        "blobs.stats", "GET", "/api/v1/blob-stats", "common.Empty", "blobs.BlobStats", _R,
        "How much is held here, pinned, and missing",
    ),
    Operation(
        "blobs.holders", "GET", "/api/v1/blobs/{digest}/holders", "blobs.BlobRef", "blobs.BlobHolders", _R,
        "Members that vouch for a blob now",
    ),
    Operation("blobs.pin", "POST", "/api/v1/blobs/{digest}/pin", "blobs.BlobRef", "blobs.BlobRow", _O, "Keep a blob here whatever happens"),
    Operation("blobs.unpin", "POST", "/api/v1/blobs/{digest}/unpin", "blobs.BlobRef", "blobs.BlobRow", _O, "Take a pin set by hand away"),
    Operation(
        "ucxl.get", "GET", "/api/v1/ucxl/content", "ucxl.AddressRef", "ucxl.Content", _R, "What an address means, in clear",
    ),
    Operation(
        "ucxl.stored", "GET", "/api/v1/ucxl/stored", "ucxl.AddressRef", "ucxl.Content", _A,
        "What an address means, as stored: an age file when it is sealed",
    ),
    Operation(
        "ucxl.put", "POST", "/api/v1/ucxl/content", "ucxl.PutContent", "ucxl.Put", _O, "Write a new version of an address",
        body=24 << 20,
    ),
    Operation(
        "ucxl.remove", "POST", "/api/v1/ucxl/remove", "ucxl.RemoveContent", "ucxl.Put", _O,
        "Remove what an address means; its earlier versions stay",
    ),
    Operation(
        "ucxl.history", "GET", "/api/v1/ucxl/history", "ucxl.ListVersions", "ucxl.History", _R, "All versions of an address",
    ),
    Operation("ucxl.diff", "GET", "/api/v1/ucxl/diff", "ucxl.DiffContent", "ucxl.Diff", _R, "Compare two versions"),
    Operation(
        "ucxl.search", "GET", "/api/v1/ucxl/search", "ucxl.SearchContent", "ucxl.Hits", _R,
        "Search by address, by text, or by both",
    ),
    Operation(
        "ucxl.places", "GET", "/api/v1/ucxl/places", "ucxl.ListPlaces", "ucxl.PlaceList", _R,
        "Addresses with content, the one changed last first",
    ),
    Operation(
        "ucxl.tree", "POST", "/api/v1/ucxl/tree", "ucxl.ReadTree", "ucxl.Tree", _R,
        "Projects, agents, roles, tasks and paths, level by level",
    ),
    Operation(
        "ucxl.navigate", "GET", "/api/v1/ucxl/navigate", "ucxl.Navigate", "ucxl.NavigationStep", _R,
        "A step from one version to another",
    ),
    Operation(
        "ucxl.announce", "POST", "/api/v1/ucxl/announce", "ucxl.AddressRef", "ucxl.Sources", _O,
        "Keep a version here for good, and tell the others",
    ),
    Operation(
        "ucxl.discover", "GET", "/api/v1/ucxl/discover", "ucxl.AddressRef", "ucxl.Sources", _R,
        "Who gives the bytes of a version now",
    ),
)  # fmt: skip
