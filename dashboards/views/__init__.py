"""One page, one file, one function of the same name."""
