"""Losses of a yes or no for every pixel: weighted cross-entropy, and the soft Dice loss.

In NumPy a loss returns its value and the gradient of its prediction.
"""
