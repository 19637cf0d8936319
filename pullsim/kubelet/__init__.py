"""The parts of the kubelet that handle images, under upstream's names."""
