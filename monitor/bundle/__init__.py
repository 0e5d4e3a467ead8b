"""A bundle: one file that holds an incident's account, its facts, and all that is needed to judge them again.

`archive` knows the ZIP file and its limits, `manifest` what must be in it, `excerpt` which part of the monitor's
knowledge goes along. `make_bundle` puts one together and judges it before it hands it out; `opened` checks one
from anywhere before anything in it is believed.
"""

from monitor.bundle.archive import BundleError
from monitor.bundle.made import MadeBundle, make_bundle
from monitor.bundle.manifest import Manifest
from monitor.bundle.opened import OpenedBundle, opened

__all__ = ["BundleError", "MadeBundle", "Manifest", "OpenedBundle", "make_bundle", "opened"]
