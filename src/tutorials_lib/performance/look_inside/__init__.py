"""Look inside: what becomes of a function, and what it costs before it runs."""
