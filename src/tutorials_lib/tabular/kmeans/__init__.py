"""Customer segmentation with k-means (Lloyd 1982, Arthur and Vassilvitskii 2007)."""
