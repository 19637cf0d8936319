"""What is simulated, without behaviour: the frozen input of a run."""
