"""Why one pod took as long as it did."""
