"""What visitors may send us, and the sentence they read when it is something else."""
