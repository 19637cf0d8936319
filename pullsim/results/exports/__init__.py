"""Writing the records of a run to files, also in formats of other programs."""
