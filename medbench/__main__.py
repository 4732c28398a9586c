"""Run medbench as ``python -m medbench``."""

import sys

from medbench.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
