"""Play a game of our own by proximal policy optimization (Schulman et al. 2017)."""
