"""Where files become labelled arrays, and nothing else."""
