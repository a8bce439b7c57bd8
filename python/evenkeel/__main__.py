"""The ``evenkeel`` command, as ``python -m evenkeel``."""

import sys

from evenkeel._command import main

sys.exit(main())
