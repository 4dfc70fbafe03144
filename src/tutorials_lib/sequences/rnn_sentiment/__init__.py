"""Judge film reviews word by word with a recurrent network (Elman 1990; Cho et al. 2014)."""
