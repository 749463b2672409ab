"""`python -m heytalk_audit.cli`."""

from heytalk_audit.cli import main

main()
