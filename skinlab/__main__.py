"""`python -m skinlab` is `skinlab`."""

import sys

from skinlab.cli import main

if __name__ == "__main__":
    sys.exit(main())
