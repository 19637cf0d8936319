"""The input of a run as frozen values: nodes, pods, registries, credentials. Nothing here simulates anything."""
