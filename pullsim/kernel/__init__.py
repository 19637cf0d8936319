"""What the simulation runs on: events, processes, the clock, locks, random streams."""
