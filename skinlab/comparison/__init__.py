"""Is one experiment better than another? Which runs may be compared, paired statistics, and a verdict in words."""
