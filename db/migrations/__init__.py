"""The history of the schema, one small step per revision."""
