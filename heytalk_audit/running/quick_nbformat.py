"""Imports nbformat without a grammar of internet addresses: jsonschema reads it for a check that no notebook needs, and takes more than a
second for it. Imported before anything else that needs nbformat."""

import sys
from typing import Any, cast

_GRAMMAR = "rfc3987_syntax"
_modules = cast(dict[str, Any], sys.modules)

if _GRAMMAR not in _modules:
    # what is null here can't be imported, which jsonschema is ready for
    _modules[_GRAMMAR] = None
    try:
        import nbformat  # noqa: F401
    finally:
        del _modules[_GRAMMAR]
