"""The tutorials of the part Generative models."""
