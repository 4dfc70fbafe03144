"""Classify small colour pictures with a convolutional network."""
