"""Eight ways to fool yourself: one small piece of work, timed rightly and in eight wrong ways."""
