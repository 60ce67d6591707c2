"""Bringing files from elsewhere: over HTTP, resumed, and as wheels from the package index. Knows no file's content."""
