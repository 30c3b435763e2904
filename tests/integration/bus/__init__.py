"""The worker side of the bus under faults, on a real Valkey."""
