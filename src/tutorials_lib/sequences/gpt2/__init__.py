"""GPT-2: predict the next piece of a text from all that came before (Radford et al. 2019)."""
