"""A mesh of real engines in one process: simulated time, network, disks and chance. A seed replays byte for byte."""
