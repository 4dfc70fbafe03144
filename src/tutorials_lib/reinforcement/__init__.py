"""The tutorials of the part Reinforcement learning."""
