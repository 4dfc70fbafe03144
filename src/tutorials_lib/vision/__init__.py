"""Tutorials on images."""
