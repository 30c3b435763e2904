"""The statements: one noun per file, one sentence per method, one statement per sentence."""
