"""Why speedups differ: an experiment for each of seven reasons, and their pictures."""
