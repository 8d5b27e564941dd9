"""Metrics of the network: links, gossip, the DHT."""

from __future__ import annotations

from chorus_tui.engine.telemetry.catalogue.base import counter, gauge, histogram

P2P = (
    gauge("chorus_peers_connected", "Peers connected now", "links of the mesh"),
    gauge("chorus_p2p_peers_suspect", "Connected peers that missed their last ping", "keeper of links"),
    gauge("chorus_p2p_peers_inbound", "Connected peers that dialled this one", "links of the mesh"),
    gauge("chorus_p2p_problems", "What the mesh has to tell people now: bootstrap peers out of reach, no discovery", "mesh"),
    counter("chorus_p2p_links_opened_total", "Peers that became connected", "links of the mesh"),
    counter("chorus_p2p_links_closed_total", "Peers that were lost", "links of the mesh"),
    counter("chorus_p2p_dials_total", "Attempts to connect", "dialler"),
    counter("chorus_p2p_dials_failed_total", "Attempts to connect that failed", "dialler"),
    histogram("chorus_p2p_ping_seconds", "Round trip of a ping to a connected peer", "keeper of links"),
    counter("chorus_p2p_pings_lost_total", "Pings without an answer", "keeper of links"),
    counter("chorus_p2p_handshakes_refused_total", "Connections cut before they said who they are", "doorkeeper", "reason"),
    counter("chorus_p2p_throttled_total", "Times a connection had to wait because its peer sent too fast", "conduct of peers"),
    counter("chorus_p2p_bans_total", "Peers kept out for what they did", "conduct of peers"),
    gauge("chorus_p2p_peers_kept_out", "Peers that are banned or blocked now", "doorkeeper"),
)  # fmt: skip

PUBSUB = (
    counter("chorus_pubsub_messages_sent_total", "Gossip messages handed to the network", "gossip"),
    counter("chorus_pubsub_messages_received_total", "Gossip messages accepted", "gossip"),
    counter("chorus_pubsub_messages_refused_total", "Messages refused", "validator and conduct of peers", "reason"),
    counter("chorus_pubsub_sent_bytes_total", "Gossip handed to the network", "gossip", unit="bytes"),
    counter("chorus_pubsub_received_bytes_total", "Gossip accepted", "gossip", unit="bytes"),
    histogram("chorus_pubsub_message_size_bytes", "Size of an accepted message", "gossip", unit="bytes"),
    histogram(
        "chorus_pubsub_message_delay_seconds",
        "From the moment a message was made, by its author's clock, to its arrival here", "journal",
    ),
)  # fmt: skip

DHT = (
    gauge("chorus_dht_up", "1 while this peer takes part in the DHT; absent where it is switched off", "DHT"),
    counter("chorus_dht_queries_total", "Questions to the DHT: values put and values asked for", "DHT", "kind"),
    counter("chorus_dht_cache_hits_total", "Values asked for that were held here", "DHT"),
    counter("chorus_dht_cache_misses_total", "Values asked for that had to be looked up", "DHT"),
    counter("chorus_dht_failures_total", "Questions that came to nothing: nobody confirmed, nobody had it", "DHT", "kind"),
    histogram("chorus_dht_query_seconds", "Time one question took", "DHT", "kind"),
    gauge("chorus_dht_routing_table_peers", "Peers in the routing table", "DHT"),
    gauge("chorus_dht_values", "Values held for the mesh", "DHT"),
    gauge("chorus_dht_values_bytes", "Memory those values take", "DHT", unit="bytes"),
)  # fmt: skip
