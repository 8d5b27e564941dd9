"""The DHT speaks a protocol of our own.

Reason: the library takes a protocol prefix and ignores it, so any other Kademlia network that a peer meets would be asked, and
would answer. Its name stands in five modules, each of which imported it by value.
"""

from __future__ import annotations

from typing import Final

import libp2p.kad_dht.common as common_module
import libp2p.kad_dht.kad_dht as kad_module
import libp2p.kad_dht.peer_routing as routing_module
import libp2p.kad_dht.provider_store as provider_module
import libp2p.kad_dht.value_store as value_module
from libp2p.custom_types import TProtocol

PROTOCOL: Final = TProtocol("/chorus/kad/1.0.0")


def install() -> None:
    """Give all five our name."""
    for module in (common_module, kad_module, routing_module, provider_module, value_module):
        module.PROTOCOL_ID = PROTOCOL
