"""Translate with a recurrent encoder-decoder with attention (Bahdanau, Cho and Bengio 2015)."""
