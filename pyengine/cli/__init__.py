"""The command line, ``pyengine …`` and ``python -m pyengine …``.

Every command is one file of this folder with one `click` command named ``command``; `app` finds them by name
and imports only the one that runs.
"""

from pyengine.cli.app import main

__all__ = ["main"]
