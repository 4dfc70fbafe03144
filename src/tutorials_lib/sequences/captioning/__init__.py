"""Captions of scenes by a convolutional network and an LSTM with attention (Xu et al. 2015)."""
