"""Decoding image files to pixels, with Pillow, exactly as the browser's engine does it."""
