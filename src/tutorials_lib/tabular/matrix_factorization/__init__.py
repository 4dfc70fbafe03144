"""Recommending movies: matrix factorization of ratings (Koren, Bell and Volinsky 2009)."""
