"""Guards: they say from the bytes alone why a file must not be processed, and import no framework to find out."""
