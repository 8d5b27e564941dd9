"""What each peer said: feeds, their storage, replication, blobs, folds, the event bus. The only room that imports sqlite3.

Others see :mod:`chorus_tui.engine.journal.interface`.
"""
