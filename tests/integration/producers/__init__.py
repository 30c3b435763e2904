"""The client on a real Valkey."""
