"""What the chapters on performance run and show, one module or folder a page."""
