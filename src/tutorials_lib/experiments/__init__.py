"""What the chapters around the tutorials run, one module a page."""
