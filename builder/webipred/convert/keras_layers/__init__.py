"""Emitters of Keras layers, one module per family; `registry` joins them. Imports graph, weights and keras_options."""
