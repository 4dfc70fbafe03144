"""A generative adversarial network that draws handwritten digits (Goodfellow et al. 2014)."""
