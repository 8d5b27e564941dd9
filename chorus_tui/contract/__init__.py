"""What front and engine agree on: operations, events, models. Pure data, no I/O; both sides import it.

``CONTRACT_VERSION`` is exchanged in the greeting. A newer minor adds operations that an older client does not see;
another major is refused, and the client offers to drain and restart the engine.
"""

CONTRACT_VERSION = (1, 0)
