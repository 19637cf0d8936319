"""What changes of images would gain on given nodes: `pullsim image-advice`."""
