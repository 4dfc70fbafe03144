"""Find the walls between cells with a U-Net (Ronneberger, Fischer and Brox 2015)."""
