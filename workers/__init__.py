"""The worker pool: applies messages to PostgreSQL."""
