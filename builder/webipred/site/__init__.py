"""Bundles and templates → one table of files → dist/. Imports every earlier stage."""
