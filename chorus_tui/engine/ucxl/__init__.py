"""Content under UCXL addresses: its versions, as the feeds tell them, and its bytes, as blobs."""
