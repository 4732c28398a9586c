"""``python -m medbench.engine KIND``: started by `medbench.jobs.client.EngineProcess` only."""

import sys

from medbench.engine.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
