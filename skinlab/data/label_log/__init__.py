"""Corrections of labels as an append-only log beside the data set. For users: docs/labels.md.

`place` knows where the log of a data set lies, `entries` what a line is and how hashes make a revision, `store` the
file among processes that are killed, `apply` the labels of a manifest at a revision, `edit` how they are changed: by
new entries, never by changing or removing one.
"""
