"""Environments of frameworks: virtual environments of their own in the cache, from lock files with digests."""
