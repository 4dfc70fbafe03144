"""Translation with the transformer of Vaswani et al. (2017): an encoder reads, a decoder writes."""
