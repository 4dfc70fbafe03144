"""Blocks of 2 x 2 pixels as one pixel with four times the channels, and back.

A network on pictures halves and doubles their sides this way without losing a number: a
convolution of 3 x 3 folded pixels sees 6 x 6 pixels and moves by two (Shi et al. 2016). Import
the module for the backend: `from tutorials_lib.layers.folding import in_numpy`.
"""
