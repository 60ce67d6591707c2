"""From predictions to numbers with intervals, and their plots."""
