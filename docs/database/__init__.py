"""docs/schema.md: what the migrations make of an empty database, and why it is so."""
