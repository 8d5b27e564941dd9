"""Readers of the figures of links, gossip and the DHT."""

from __future__ import annotations

from chorus_tui.engine.runtime.engine import Engine
from chorus_tui.engine.telemetry.metrics import Samples


def links(engine: Engine) -> Samples:
    """Who is connected, and how well."""
    links, counters = engine.mesh.links().values(), engine.mesh.counters
    return {
        "chorus_peers_connected": len(links),
        "chorus_p2p_peers_suspect": sum(link.suspect for link in links),
        "chorus_p2p_peers_inbound": sum(link.inbound for link in links),
        "chorus_p2p_problems": len(engine.mesh.problems()),
        "chorus_p2p_links_opened_total": counters.links_opened,
        "chorus_p2p_links_closed_total": counters.links_closed,
        "chorus_p2p_dials_total": counters.dials,
        "chorus_p2p_dials_failed_total": counters.dials_failed,
        "chorus_p2p_ping_seconds": counters.pings,
        "chorus_p2p_pings_lost_total": counters.pings_lost,
        "chorus_p2p_handshakes_refused_total": dict(counters.handshakes_refused),
        "chorus_p2p_throttled_total": counters.throttled,
        "chorus_p2p_bans_total": counters.bans,
        "chorus_p2p_peers_kept_out": len(engine.mesh.bans()),
    }


def gossip(engine: Engine) -> Samples:
    """What went out and came in."""
    counters = engine.mesh.counters
    return {
        "chorus_pubsub_messages_sent_total": counters.sent,
        "chorus_pubsub_messages_received_total": counters.received,
        "chorus_pubsub_messages_refused_total": dict(counters.refused),
        "chorus_pubsub_sent_bytes_total": counters.sent_bytes,
        "chorus_pubsub_received_bytes_total": counters.received_sizes.sum,
        "chorus_pubsub_message_size_bytes": counters.received_sizes,
        "chorus_pubsub_message_delay_seconds": engine.journal.delays.seen,
    }


def dht(engine: Engine) -> Samples:
    """Nothing where it is off."""
    values = engine.mesh.values
    if values is None:
        return {}
    kept, size = values.holding
    return {
        "chorus_dht_up": int(not values.problem),
        "chorus_dht_queries_total": {"put": values.puts.queries, "get": values.gets.queries},
        "chorus_dht_cache_hits_total": values.hits,
        "chorus_dht_cache_misses_total": values.gets.queries - values.hits,
        "chorus_dht_failures_total": {"put": values.puts.failures, "get": values.gets.failures},
        "chorus_dht_query_seconds": {"put": values.puts.took, "get": values.gets.took},
        "chorus_dht_routing_table_peers": values.known,
        "chorus_dht_values": kept,
        "chorus_dht_values_bytes": size,
    }
