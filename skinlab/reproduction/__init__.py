"""Is a run made again the same? What differs before it, the environment that it was made in, and what came out."""
