"""Emitters of TFLite operators, one module per family; `tflite` joins them. Imports graph and tflite_file."""
