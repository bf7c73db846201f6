"""What is stored: one file per table, columns and constraints only.

Importing this package loads every table, so that `Model.metadata` is whole.
"""

from importlib import import_module
from pkgutil import iter_modules

from app.models.model import Model

for _table in iter_modules(__path__):
    import_module(f"{__name__}.{_table.name}")

__all__ = ["Model"]
