"""Real MCP servers of both eras, run as processes, for tests and the demo."""
