"""Long short-term memory (Hochreiter and Schmidhuber 1997): what a cell keeps of a sequence.

The gates stand side by side in every array, in the order input, forget, output, candidate.
"""
