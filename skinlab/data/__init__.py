"""From a declared data set to labelled, split, decoded images."""
