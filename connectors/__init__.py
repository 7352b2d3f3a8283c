"""Foreign systems: how each one speaks, and the words that all of them share."""
