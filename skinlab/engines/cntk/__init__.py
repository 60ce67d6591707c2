"""The CNTK 2.7 engine: its runtime, the client, and the worker's own small island of Python 3.6."""
