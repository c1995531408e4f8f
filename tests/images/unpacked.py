"""An image as a folder, and its processes as a node would run them: its user, read-only root.

Needs root and Linux, no container runtime: a mount namespace makes the root read-only but for
/tmp, chroot changes the user. The network is this machine's.
"""

import json
import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# $1 root, $2 user:group, $3 working folder; the rest is the command with its environment
ENTER = """
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && cd "$1" &&
mount -t tmpfs -o mode=1777 tmpfs tmp && mount --rbind /dev dev && mount -t proc proc proc &&
root=$1 user=$2 folder=$3 && shift 3 &&
exec chroot --userspec="$user" --groups="" "$root" env -i --chdir="$folder" "$@"
"""


@dataclass(frozen=True)
class Unpacked:
    """The files of an image below `root`, its configuration, and its layers, lowest first."""

    root: Path
    config: Mapping[str, Any]
    layers: tuple[str, ...]

    @classmethod
    def of(cls, archive: Path, folder: Path) -> "Unpacked":
        """Unpack a docker-archive into `folder`."""
        root = folder / "root"
        root.mkdir(parents=True)
        with tarfile.open(archive) as tar:
            (manifest,) = _read(tar, "manifest.json")
            described = _read(tar, manifest["Config"])
            for layer in manifest["Layers"]:
                content = tar.extractfile(layer)
                assert content
                command = ["tar", "-x", "-p", "--numeric-owner", "--exclude=dev/*", "-C", str(root)]
                with subprocess.Popen(command, stdin=subprocess.PIPE) as unpacking:
                    assert unpacking.stdin
                    while chunk := content.read(1 << 20):
                        unpacking.stdin.write(chunk)
                assert unpacking.returncode == 0
        return cls(root, described["config"], tuple(described["rootfs"]["diff_ids"]))

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels, without what they all begin with."""
        begin = "org.opencontainers.image."
        return {k.removeprefix(begin): v for k, v in self.config["Labels"].items()}

    def files(self) -> Iterator[Path]:
        """Every file and folder, as paths from the root; links are not followed."""
        for folder, folders, names in os.walk(self.root):
            place = Path(folder).relative_to(self.root)
            yield from (place / name for name in (*folders, *names))

    def command(self, argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
        """How to run a command line in the image from here."""
        variables = [*self.config["Env"], *(f"{name}={value}" for name, value in env.items())]
        place = [str(self.root), self.config["User"], self.config["WorkingDir"]]
        enter = ["unshare", "--mount", "sh", "-c", ENTER, "sh"]
        return [*enter, *place, *variables, *argv]

    def run(self, *argv: str, env: Mapping[str, str] | None = None) -> str:
        """Run to its end; its output and errors. subprocess.CalledProcessError where it fails."""
        done = self.attempt(*argv, env=env)
        done.check_returncode()
        return done.stdout

    def attempt(
        self, *argv: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run to its end, whichever that is."""
        return subprocess.run(
            self.command(argv, env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )


def _read(tar: tarfile.TarFile, name: str) -> Any:
    content = tar.extractfile(name)
    assert content
    return json.load(content)
