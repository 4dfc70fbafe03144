"""Text as numbers and back: vocabularies, tokenizers, padding and masks, and decoding."""
