"""Sandboxes. The only room that speaks to Docker. Others see :mod:`chorus_tui.engine.execution.interface`."""
