"""Building the input of the simulation (`pullsim.spec`) from a typed scenario (`pullsim.scenario.model`)."""
