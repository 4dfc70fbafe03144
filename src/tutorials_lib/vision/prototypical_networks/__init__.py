"""Characters of unseen alphabets from one example each, with prototypes (Snell et al. 2017)."""
