"""What ``/metrics`` shows of an engine: readers of figures that its rooms keep, and the few that are measured here.

Each reader gives values by the names of :mod:`chorus_tui.engine.telemetry.catalogue`. They are asked in the engine's own
loop at each scrape, so they only look: nothing here waits, writes or asks the network.
"""
