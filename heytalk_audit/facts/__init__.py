"""Facts: what is, where rules say what is wrong; one module per subject. Importing this package registers every fact of every module."""

from importlib import import_module

from heytalk_audit.audit.fact import FACTS

#: The subjects, in the order in which reports have them.
SUBJECTS = (
    "people",
    "inactivity",
    "retention",
    "purges",
    "consent",
    "marketing",
    "legal_basis",
    "recipients",
    "children",
    "sensitive",
    "rights",
    "security",
)

for _subject in SUBJECTS:
    import_module(f"{__name__}.{_subject}")

__all__ = ["FACTS", "SUBJECTS"]
