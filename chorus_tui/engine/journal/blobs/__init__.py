"""Content by its hash, in files: kept, fetched, replicated, pinned and let go.

``rules`` says who keeps what and what may go first; ``files`` is the disk; ``exchange`` is what two peers say to each
other; ``fetching`` brings a blob from several holders in turn; ``keeping`` follows the rules; ``service`` is what the
features see.
"""
