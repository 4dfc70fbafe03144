"""Published weights, read into parameters: one module a model, imported by its name."""
