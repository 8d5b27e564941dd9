"""KACHING: the licence, checked before a port opens."""
