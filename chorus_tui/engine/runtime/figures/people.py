"""Readers of the figures of working together, of what guards, and of the API."""

from __future__ import annotations

from chorus_tui.engine.api.server import ApiServer
from chorus_tui.engine.runtime.engine import Engine
from chorus_tui.engine.runtime.figures.calls import Calls
from chorus_tui.engine.runtime.figures.counting import Counting
from chorus_tui.engine.shhh.rules import RULE_NAMES
from chorus_tui.engine.telemetry.metrics import Samples


def together(engine: Engine, counting: Counting) -> Samples:
    """Sessions, rooms, votes, patches, texts."""
    cases = engine.deciding.book.proposals()
    return {
        "chorus_coordination_sessions": sum(one.status != "resolved" for one in engine.coordination.present()),
        "chorus_assistance_questions": len(engine.assistance.requests.questions),
        "chorus_hmmm_threads": len(engine.hmmm.rooms.threads),
        "chorus_decisions": len(cases),
        "chorus_decisions_open": sum(case.end is None for case in cases),
        "chorus_patches": len(engine.patches.book.patches),
        "chorus_collab_texts": len(engine.collab.book.sessions),
        "chorus_collab_texts_live": len(engine.collab.texts.live),
        "chorus_ucxl_places": len(engine.memory.contents.book.places()),
        "chorus_slurp_nodes": len(engine.slurp.known()),
        "chorus_inbox_items": len(engine.inbox.waiting()),
        "chorus_escalations_total": counting.escalations,
    }


def guards(engine: Engine) -> Samples:
    """Redaction, licence, keys."""
    keys, license_ = engine.memory.keys, engine.license
    return {
        # From 0 on, or the first finding of a rule would be no increase.
        "chorus_shhh_findings_total": {**dict.fromkeys(RULE_NAMES, 0), **engine.redactor.findings},
        "chorus_license_checks_total": license_.figures.checks,
        "chorus_license_failures_total": license_.figures.failures,
        "chorus_license_valid": int(license_.state in ("development", "leased", "grace")),
        "chorus_license_grace": int(license_.state == "grace"),
        "chorus_vault_keys_lacking": len(keys.lacking()),
        "chorus_vault_keys_lacking_seconds": keys.lacking_s(),
        "chorus_network_open": int(engine.key.mode == "open"),
    }


def api(engine: Engine, server: ApiServer, calls: Calls) -> Samples:
    """What programs and people asked of it."""
    return {
        "chorus_api_calls_total": server.calls_total,
        "chorus_api_answers_total": dict(calls.outcomes),
        "chorus_api_refused_total": server.refused,
        "chorus_api_throttled_total": server.throttled,
        "chorus_api_operation_seconds": calls.took,
        "chorus_api_clients": server.clients(),
        "chorus_callbacks_total": dict(engine.callbacks.made),
        "chorus_callbacks_waiting": engine.callbacks.waiting(),
    }
