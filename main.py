#!/usr/bin/env python3
"""Start medbench: ``python3 main.py`` opens the app, ``python3 main.py test`` runs the tests.

The first start builds the program's own environment in ``.venv``; see packaging/bootstrap.py.
This file and that one use the standard library only and parse under old Pythons, so that the
polite sentence below can be read there.
"""

import os
import sys

if sys.version_info < (3, 11):
    sys.stderr.write(
        "medbench needs Python 3.11 or newer; this is %d.%d. Install one from python.org or your "
        "system's packages, then run it with that interpreter.\n" % sys.version_info[:2]
    )
    sys.exit(2)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "packaging"))

import bootstrap

if __name__ == "__main__":
    sys.exit(bootstrap.main(sys.argv[1:]))
