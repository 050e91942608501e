"""Routes through a framework: TensorFlow or PyTorch writes ONNX in an environment of its own, inside the jail.

What they write is a foreign ONNX file like any other: the ONNX converter reads it in a second process. Modules here
run with the packages of that environment and import nothing of webipred that needs more than numpy and onnx.
"""
