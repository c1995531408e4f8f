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


SYSCTLS = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
}
"""What a kubelet wants of the kernel. It would set that for the whole machine, unless it reads that
it is set already: so it does here."""


def main(folder: Path, command: list[str]) -> None:
    """Put the cluster's folders over the machine's, then become the command."""
    for name in FIXED:
        own, fixed = folder / "node" / name, Path("/") / name
        for path in (own, fixed):
            path.mkdir(parents=True, exist_ok=True)
        mount("--bind", own, fixed)
    for name, value in SYSCTLS.items():
        own = folder / "node" / "sysctls" / name
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(f"{value}\n")
        mount("--bind", own, Path("/proc/sys") / name)
    # containers may ask for mounts that they share with the node
    mount("--make-rshared", "/")
    os.execvp(command[0], command)


def mount(*args: str | Path) -> None:
    """Run mount(8)."""
    subprocess.run(["mount", *map(str, args)], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
