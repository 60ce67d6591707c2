"""A bundle behind HTTP: processes that answer, and one that looks after them. Needs `pip install 'skinlab[serve]'`."""
