"""Where archives come from: zenodo, huggingface, url, folder. Imports catalog; never a later stage."""
