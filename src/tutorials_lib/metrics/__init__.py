"""Scores of predictions that no installed library computes the way a page needs them."""
