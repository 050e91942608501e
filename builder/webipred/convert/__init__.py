"""Converters: one module per weights format, SourceArchive → OnnxModel. Imports catalog and sources."""
