"""`python -m gan_tutorial` is `gan-tutorial`."""

import sys

from gan_tutorial.commands.cli import main

sys.exit(main())
