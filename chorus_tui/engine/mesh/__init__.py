"""The network. The only room that imports libp2p; everybody else sees :mod:`chorus_tui.engine.mesh.interface`."""
