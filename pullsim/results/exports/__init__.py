"""Records out to files, and to other programs."""
