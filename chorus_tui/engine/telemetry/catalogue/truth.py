"""Metrics of what was said and what was decided: journal, election."""

from __future__ import annotations

from chorus_tui.engine.telemetry.catalogue.base import counter, gauge, histogram

JOURNAL = (
    gauge("chorus_journal_entries", "Feed entries held", "journal"),
    gauge("chorus_journal_database_bytes", "The feeds' file and its log", "journal", unit="bytes"),
    counter("chorus_journal_messages_total", "Feed entries that came to count since the start", "fold of all feeds", "type"),
    counter("chorus_journal_appended_total", "Entries this peer said", "journal"),
    histogram("chorus_journal_append_seconds", "From the wish to say something to its place on disk", "journal"),
    gauge("chorus_journal_parked_entries", "Entries that wait for the ones before them", "journal"),
    gauge("chorus_journal_unchecked_entries", "Entries whose own signature is still to be checked", "journal"),
    gauge("chorus_journal_forks", "Feeds in which one number stands for two entries, undecided", "journal"),
    gauge("chorus_journal_openings_last_minute", "Announcements and discussion begun here within a minute", "journal"),
    gauge("chorus_journal_opened_bytes", "What this peer's announcements fill on every disk", "journal", unit="bytes"),
    gauge("chorus_blobs_bytes", "Files by hash held here", "blobs", unit="bytes"),
    gauge("chorus_blobs_quota_bytes", "Disk share of files by hash", "settings", unit="bytes"),
)  # fmt: skip

ELECTION = (
    gauge("chorus_election_term", "Term of the control log", "control log"),
    gauge("chorus_election_is_admin", "1 while this peer leads", "control log"),
    gauge("chorus_election_admin_reachable", "1 while an admin is heard; 0: there is none, or no majority", "control log"),
    gauge("chorus_election_admin_silence_seconds", "Since the admin was last heard", "control log", unit="seconds"),
    gauge("chorus_election_voters", "Voters of the mesh", "control log"),
    counter("chorus_election_changes_total", "Changes of the admin seen", "control log"),
    gauge("chorus_mesh_members", "Members of the mesh", "control log"),
    gauge("chorus_mesh_others_in_reach", "Other founded meshes that peers here told of", "control log"),
    gauge("chorus_control_commit_index", "Entries the mesh decided", "control log"),
    counter("chorus_control_entries_total", "Entries decided since the start", "fold of the control log", "type"),
    gauge("chorus_control_database_bytes", "The control log's file and its log", "control log", unit="bytes"),
)  # fmt: skip
