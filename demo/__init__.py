"""`make demo`: the whole system at work on real servers, told as it happens."""
