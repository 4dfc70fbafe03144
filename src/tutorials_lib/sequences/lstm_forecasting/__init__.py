"""Forecast a time series with an LSTM (Hochreiter and Schmidhuber 1997), walking forward."""
