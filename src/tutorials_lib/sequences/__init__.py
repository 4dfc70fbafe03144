"""The tutorials of the part Text, speech and time series."""
