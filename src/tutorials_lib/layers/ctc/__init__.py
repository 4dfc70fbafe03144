"""Connectionist temporal classification: a loss for labels of which nobody says where they are."""

BLANK = 0
"""The class that stands for no label; labels count from one, and it fills them up, too."""
