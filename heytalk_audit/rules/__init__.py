"""The catalogue: one module per family, or several. Importing this package registers every rule of every module in it."""

from importlib import import_module
from pkgutil import iter_modules

from heytalk_audit.audit.check import RULES

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["RULES"]
