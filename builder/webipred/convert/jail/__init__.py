"""The jail of a converter process: what the kernel offers against files, network, programs and processes.

Nothing here imports more than Python's own library, so that the interpreter of another environment can enter it, too.
"""
