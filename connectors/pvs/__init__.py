"""Practice databases: a vendor's tables, described by a profile, as records."""
