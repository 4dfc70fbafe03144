"""Train many agents at once, asynchronously and in step (A3C and A2C, Mnih et al. 2016)."""
