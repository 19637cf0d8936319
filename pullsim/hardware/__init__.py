"""A node's NIC, disk and cores."""
