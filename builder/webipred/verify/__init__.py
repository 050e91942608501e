"""Verifying a copy of a built site, in a folder or at an address: what it holds against what was built."""
