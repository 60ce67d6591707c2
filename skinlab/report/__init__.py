"""The page of a run, report.html, and the card of its model: everything in one file, nothing asked of any server."""
