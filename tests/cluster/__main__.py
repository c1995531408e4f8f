"""`python -m tests.cluster COMMAND`: a Kubernetes cluster as local processes."""

import argparse
import sys

from tests.cluster import binaries
from tests.cluster.light import install_etcd
from tests.stack.errors import StackError


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    sub = top.add_subparsers(dest="command", required=True)
    install = sub.add_parser("install", help="packages and programs, nothing started")
    install.add_argument("--light", action="store_true", help="only those of the light form")
    return top


def main() -> int:
    """Run one command; the exit code."""
    parser().parse_args()
    install_etcd()
    binaries.build(binaries.LIGHT)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StackError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
