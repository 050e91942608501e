"""The proof: watches a built site from outside, on the wire, on the disk and in memory, and reports what it saw."""
