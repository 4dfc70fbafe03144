"""Steal coins under the eyes of guards: two rooms, a key, a door, and a floor that is slippery."""
