"""Fetching images from the web into a local copy that survives any interruption; `fetch.py` has the order of things.

Sources yield entries (`api.py` the ISIC Archive, `urls.py` a table), everything after them is the same for all.
"""
