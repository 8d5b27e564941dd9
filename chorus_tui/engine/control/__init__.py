"""What the mesh decided: the control log, its election, its members. Others see :mod:`chorus_tui.engine.control.interface`."""
