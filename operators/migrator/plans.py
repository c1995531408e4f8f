"""Takes the plan of a dry run out of the log of its pod; a report is too short for it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from operators.migrator.attempt import Attempt
from operators.migrator.job import Owner
from operators.migrator.kube import ApiRefused, ApiUnavailable, Kube

Json = dict[str, Any]
PLAN_BYTES = 200_000


async def read(
    kube: Kube, owner: Owner, found: Sequence[Attempt], status: Mapping[str, Any]
) -> Json | None:
    """The plan that a dry run which just ended wrote into its log; it is too long for a report."""
    last = found[-1] if found else None
    if last is None or last.mode != "plan" or not last.report or not last.pod:
        return None
    if status.get("jobName") == last.name and status.get("completedAt"):
        return None
    try:
        text = await kube.log(owner.namespace, last.pod)
    except (ApiRefused, ApiUnavailable) as exc:
        return {"note": f"The plan is in the log of pod {last.pod}, which cannot be read: {exc}"}
    return plan_of(text) or {"note": f"The log of pod {last.pod} has no plan."}


def plan_of(text: str) -> Json | None:
    """The plan in a log's last lines, cut to what a status may hold."""
    for line in reversed(text.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and isinstance(found.get("plan"), dict):
            return _cut(found["plan"])
    return None


def _cut(plan: Json) -> Json:
    """Shorten the longest texts until the plan fits."""
    most = 20_000
    while len(json.dumps(plan)) > PLAN_BYTES and most > 50:
        plan = _shortened(plan, most)
        most //= 2
    if len(json.dumps(plan)) <= PLAN_BYTES:
        return plan
    return {"note": "The plan is too long for a status: read the log of the Job's pod."}


def _shortened(node: Any, most: int) -> Any:
    if isinstance(node, str):
        return node if len(node) <= most else f"{node[:most]}…"
    if isinstance(node, dict):
        return {key: _shortened(value, most) for key, value in node.items()}
    return [_shortened(value, most) for value in node] if isinstance(node, list) else node
