"""Drafts of catalog entries: what an origin says about itself, as commented YAML. Imports catalog, sources, convert."""
