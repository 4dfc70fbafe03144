"""Linear layers with ReLU between them: the parts of an autoencoder that is no convolution."""
