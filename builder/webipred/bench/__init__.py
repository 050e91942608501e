"""Comparing runtimes: this engine, onnxruntime-web and native onnxruntime on the same networks, in one run.

architectures (drawn by draft) and subjects say what is run; native and web are the contestants; runs interleaves them,
figures sums up, report is the result as data, table prints it. Imports every other layer but cli.
"""
