"""What people ask of the database from a shell, by noun."""
