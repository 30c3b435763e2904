"""Probes: ask servers how they are, over HTTP and over both eras of the Model Context Protocol."""
