"""The version of the installed program, as it is written on each run."""

import importlib.metadata

VERSION = importlib.metadata.version("playerpath")
