"""Paint a photograph in another style: neural style transfer (Gatys et al. 2016)."""
