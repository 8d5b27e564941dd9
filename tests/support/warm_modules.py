"""What is imported once for all processes of :mod:`tests.support.warm`."""

from __future__ import annotations

import gc
import pkgutil
import threading
from importlib import import_module

import chorus_tui.cli

for name in ("chorus_tui.engine.__main__", "chorus_tui.engine.runtime.serve", "chorus_tui.client.one_question"):
    import_module(name)
for module in pkgutil.iter_modules(chorus_tui.cli.__path__, "chorus_tui.cli."):
    import_module(module.name)

# A process with threads cannot be forked soundly.
assert threading.active_count() == 1
gc.collect()
gc.freeze()
