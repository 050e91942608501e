"""Checks on a converted model, golden vectors, and the report. Imports every earlier stage."""
