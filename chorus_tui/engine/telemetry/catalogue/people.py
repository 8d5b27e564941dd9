"""Metrics of working together: sessions, rooms, votes, patches, texts, what waits for people."""

from __future__ import annotations

from chorus_tui.engine.telemetry.catalogue.base import counter, gauge

COORDINATION = (
    gauge("chorus_coordination_sessions", "Sessions between tasks that are not over", "coordination"),
    gauge("chorus_assistance_questions", "Questions that were asked in the mesh", "assistance"),
    gauge("chorus_hmmm_threads", "Threads of all rooms", "rooms"),
    gauge("chorus_decisions_open", "Proposals whose vote is not closed", "decisions"),
    gauge("chorus_decisions", "Proposals known", "decisions"),
    gauge("chorus_patches", "Patches known", "patches"),
    gauge("chorus_collab_texts", "Shared texts known", "shared texts"),
    gauge("chorus_collab_texts_live", "Shared texts open here now", "shared texts"),
    gauge("chorus_ucxl_places", "Addresses of context that hold something", "contents"),
    gauge("chorus_slurp_nodes", "Nodes of the decision graph", "SLURP"),
    gauge("chorus_inbox_items", "What waits for this peer's person", "inbox"),
    counter("chorus_escalations_total", "Calls for a person", "fold of all feeds"),
)  # fmt: skip
