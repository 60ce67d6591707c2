"""The images of a finished run with what was said of each: read back, chosen, ordered, shown. Writes nothing."""
