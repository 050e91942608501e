"""The WebAssembly engine in Python: preprocessing programs and the wasmtime runner."""
