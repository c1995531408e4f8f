"""Argo CD's view of a resource: the health rule of operators/README.md, run as Argo CD runs it.

Argo CD embeds Lua 5.1 and hands over the object as `obj`; the rule returns its health.
"""

import re
from typing import Any

import yaml
from lupa.lua51 import LuaRuntime

from tests.operator.api import Object
from tests.stack.config import REPO

README = REPO / "operators" / "README.md"
KEY = "resource.customizations.health.ucc-intel.io_SchemaMigration"


def rule() -> str:
    """The Lua that stands in the README."""
    blocks: list[str] = re.findall(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    (found,) = [block for block in blocks if KEY in block]
    return str(yaml.safe_load(found)[KEY])


class Argo:
    """Computes the health of resources."""

    def __init__(self) -> None:
        self._lua = LuaRuntime()
        self._rule: Any = self._lua.eval(f"function(obj) {rule()} end")

    def health(self, resource: Object) -> tuple[str, str]:
        """(Healthy, Progressing, Degraded or Suspended; what it says beside it)."""
        found = self._rule(self._lua.table_from(resource, recursive=True))
        return str(found.status), str(found.message)
