"""What the simulation runs on: events, processes, the clock, locks, and servers that jobs share."""
