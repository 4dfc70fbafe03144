"""A recurrent layer that reads a sequence from both ends, each from its own first real element."""
