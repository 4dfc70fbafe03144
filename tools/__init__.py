"""What contributors run: builds, checks and the scaffold. `make help` lists the commands."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The folder of the checkout."""
