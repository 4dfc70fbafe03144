"""Digits from sound by a bidirectional network and CTC, after Deep Speech (Hannun et al. 2014)."""
