"""Super-resolution by convolutions on the small picture (Dong et al. 2014, Shi et al. 2016)."""
