"""Side by side with peers: each module is one command that prints what it measured and how to repeat it."""
