"""The scheduler, which chooses the node of each pod, and with it the node that pulls the pod's images."""
