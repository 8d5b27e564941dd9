"""Every alert of ``deploy/`` with a real fault that makes it fire, and whose end clears it, in a mesh of real engines.

A fault is a block: inside it the alert comes to fire, behind it the alert goes. It is brought about from outside wherever that
can be (signals, a full disk, a server that fails, a limit of the operating system, a hostile peer, a file of another time); four
of them are in the engine of ``odd`` (:mod:`~tests.integration.system.faulty`), because a clock belongs to the whole machine, the library of the DHT fails
for no known reason, nobody waits 72 hours for the end of a grace, and no engine of ours signs two things under one number.
None is left out. Only times are shortened: the rules' own (:func:`~tests.integration.system.prometheus.hurried`), and leases.
"""

from __future__ import annotations

from tests.integration.system.alerting import of_the_machine, of_the_mesh, of_work
from tests.integration.system.alerting.world import FAULTS, World, world

__all__ = ["FAULTS", "World", "of_the_machine", "of_the_mesh", "of_work", "world"]
