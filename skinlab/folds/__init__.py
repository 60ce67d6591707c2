"""The runs of a cross-validation as one experiment: `reading` opens their directories, `experiment` joins them."""
