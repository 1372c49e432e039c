#!/usr/bin/env python3
"""Runs checkov with the packages that lie beside this file, whatever else is installed."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "site"))

from checkov.main import Checkov  # noqa: E402 (found by the line above)

sys.exit(Checkov().run())
