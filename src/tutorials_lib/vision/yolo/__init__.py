"""You only look once: a grid of cells that finds objects in one pass (Redmon et al. 2016)."""
