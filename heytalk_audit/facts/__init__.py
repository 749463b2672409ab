"""Facts: what is, where rules say what is wrong; one module per subject. Importing this package registers every fact of every module."""

from importlib import import_module

from heytalk_audit.audit.fact import FACTS
from heytalk_audit.policy.chapters import SUBJECTS

for _subject in SUBJECTS:
    import_module(f"{__name__}.{_subject}")

__all__ = ["FACTS"]
