"""Runs that are there already: found, named, listed, compared, annotated, packed, deleted. Trains nothing.

The run directories are the truth; the index only makes listing them fast.
"""
