"""Fill in the missing parts of an image: pictures drawn by chance flow into ones that fit."""
