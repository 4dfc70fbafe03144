"""Recurrent layers: the same small step for every element of a sequence, with masks."""
