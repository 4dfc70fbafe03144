"""TO WRITE: what is solved here, in a few words, with the paper that it comes from."""
