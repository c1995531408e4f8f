"""Runs a command with the folders of one cluster in place: `... inside FOLDER COMMAND...`.

The caller has made a mount namespace of its own for it, so these mounts are seen by the cluster
only, and vanish with its last process.
"""

import os
import subprocess
import sys
from pathlib import Path

FIXED = ("var/lib/kubelet", "var/lib/cni", "var/log/pods", "var/log/containers", "run/containerd")
"""Folders that kubelet, CNI plugins and shims use whatever they are told."""


def main(folder: Path, command: list[str]) -> None:
    """Put the cluster's folders over the machine's, then become the command."""
    for name in FIXED:
        own, fixed = folder / "node" / name, Path("/") / name
        for path in (own, fixed):
            path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", str(own), str(fixed)], check=True)
    # containers may ask for mounts that they share with the node
    subprocess.run(["mount", "--make-rshared", "/"], check=True)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
