"""The training loop that every engine shares."""
