"""`python -m tests.support.sources PORT [SHARE OF FAULTS]`: all outside sources on loopback."""

import sys

from aiohttp import web

from tests.support.sources.town import app, variables

if __name__ == "__main__":
    port = int(sys.argv[1])
    for name, value in variables(f"http://127.0.0.1:{port}").items():
        print(f"export {name}={value}")
    share = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    web.run_app(app(share), host="127.0.0.1", port=port, print=None)
