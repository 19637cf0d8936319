"""From a typed scenario to the input of the simulation."""
