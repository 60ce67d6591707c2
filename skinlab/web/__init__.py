"""Local pages: look at images, correct labels, understand results. For users: docs/review.md.

`door` stands before every request, `app` joins the pages of `pages/`, one router each, `workplace` is what they share,
`server` listens on 127.0.0.1. Needs `pip install 'skinlab[web]'`.
"""
