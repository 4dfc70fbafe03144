"""Look inside: what becomes of a function, what it costs, and where its time goes."""
