"""Balance a pole with a deep Q-network (Mnih et al. 2015; van Hasselt et al. 2016)."""
