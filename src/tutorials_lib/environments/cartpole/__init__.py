"""Balance a pole on a cart by pushing it left or right (Barto, Sutton and Anderson 1983)."""
