"""What an action turned out to be worth: advantages, for every method that learns from rollouts."""
