"""What people see: the sign-in gate, the pages and the words on them. Reads published files and ops.db by name."""
