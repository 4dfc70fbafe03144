"""Principal component analysis by three algorithms (Pearson 1901, Hotelling 1933, Halko 2011)."""
