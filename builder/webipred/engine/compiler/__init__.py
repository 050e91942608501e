"""The compiler: ONNX → graph passes → kernels → memory plan → plan file.

Imports nothing of the other stages but errors.
"""
