"""Which of the wished namespaces can be served now.

A namespace that is gone, or where the migrator was not given its rights, keeps no other from being
served; it is tried again with every beat.
"""

import logging
from collections.abc import Sequence
from typing import Any

from operators.migrator.kube import ApiRefused, Kube

log = logging.getLogger(__name__)
Places = tuple[str | None, ...]
"""Namespaces, in order; None is all of the cluster."""


class Reach:
    """`served` is what the last listing could list."""

    def __init__(self, kube: Kube, wished: Sequence[str]) -> None:
        self.served: Places = ()
        self._kube = kube
        self._wished: Places = tuple(wished) or (None,)
        self._told: dict[str | None, str] = {}

    async def list(self) -> list[dict[str, Any]]:
        """All SchemaMigrations that can be listed; ApiRefused where no namespace can be."""
        found, refused = [], {}
        for place in self._wished:
            try:
                found += await self._kube.migrations(place)
            except ApiRefused as exc:
                refused[place] = exc.detail
        self.served = tuple(place for place in self._wished if place not in refused)
        if not self.served:
            raise ApiRefused(next(iter(refused.values())))
        for place, why in refused.items():
            if self._told.get(place) != why:
                log.warning("namespace %s is not served: %s", place, why)
        self._told = refused
        return found
