"""Environments that an agent acts in, as pure functions of state and action, in both backends."""
