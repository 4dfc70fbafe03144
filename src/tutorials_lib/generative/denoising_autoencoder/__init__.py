"""Removing noise by autoencoders of overlapping patches (Vincent et al. 2010)."""
