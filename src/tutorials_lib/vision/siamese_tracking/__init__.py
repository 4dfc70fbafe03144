"""Tracking by cross-correlation of learned features, as SiamFC does (Bertinetto et al. 2016)."""
