"""The description of the API: OpenAPI 3.1, a page and a chapter of it, all made from the contract's list. No I/O here."""
