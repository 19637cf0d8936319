"""What the simulation runs on: the clock, shared capacity, locks, random streams."""
