"""What every long-running process does the same way: log, say that it lives, stop when told."""
