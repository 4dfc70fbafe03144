"""BERT: learn to fill gaps in unlabelled posts, then to judge from a few labels."""
