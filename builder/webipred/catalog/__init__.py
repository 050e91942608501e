"""The catalog: its schema, strict YAML loading, and the lock. Imports errors, findings and digests only."""
