"""The client without a Redis."""
