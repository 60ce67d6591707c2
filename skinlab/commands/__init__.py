"""One module per `skinlab VERB`; each has main(argv) -> exit status and imports what it needs inside."""
