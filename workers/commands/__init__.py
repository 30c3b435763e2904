"""What people ask of the workers from a shell."""
