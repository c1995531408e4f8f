"""`python -m migrations up | down | status | wait | verify | schema | lint`."""

from migrations.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
