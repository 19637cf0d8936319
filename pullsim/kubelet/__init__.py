"""The kubelet's parts that handle images, under their own names."""
