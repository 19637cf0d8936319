"""Many runs: estimate a node's figures from measured pulls (`fit`)."""
