"""Objects and configuration files of Kubernetes."""
