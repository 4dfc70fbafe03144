"""What the chapters on JAX and NumPy run, one module or folder a page."""
