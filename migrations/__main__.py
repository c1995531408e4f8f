"""`python -m migrations up | down | plan | status | wait | verify | schema | lint`."""

from migrations.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
