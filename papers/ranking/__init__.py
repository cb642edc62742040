"""What the trending score is made of, and how well it ranked in the past."""
