"""What a student's process sees of the file system: Python, its libraries, and a folder of its own."""

from __future__ import annotations

import os
import site
import sys
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox import _syscalls as sc

HOME = "/home/student"  # the work folder; the jail's only writable places are this, /tmp and /dev/shm
_DEVICES = ("null", "zero", "full", "random", "urandom")
_LIBRARIES = ("/lib", "/lib64", "/lib32", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache")
_TOO_WIDE = {"/", "/usr", "/usr/local", "/opt", "/home", "/root"}
_MOUNT_POINTS = ("/mnt", "/media", "/srv", "/opt", "/boot", "/home", "/var", "/tmp")  # noqa: S108 - mounted over, in a namespace of its own
_INODES = 16384


@dataclass(frozen=True)
class Tree:
    """The read-only part of every jail: `binds` are shown at their own places, `links` are made anew."""

    mount_point: str
    binds: tuple[str, ...]
    links: tuple[tuple[str, str], ...]

    @property
    def temporary(self) -> str:
        """The folder for temporary files: /tmp, unless this very Python lies below it and must stay in view."""
        return HOME if any(_below(path, "/tmp") for path in self.binds) else "/tmp"  # noqa: S108 - the jail's own

    @property
    def writable(self) -> tuple[str, ...]:
        """The folders that a student's process may write to."""
        return tuple(dict.fromkeys((HOME, self.temporary, "/dev/shm")))  # noqa: S108 - the jail's own


def python_tree() -> Tree:
    """The tree for this very Python. Raises `OSError` when there is no place to mount it on.

    The package that runs the jail isn't part of it (its modules are in memory), unless it
    lies in site-packages; a checkout on `sys.path` would bring the course's tests along.
    """
    wanted = [*_LIBRARIES]
    wanted += [prefix for prefix in (sys.prefix, sys.base_prefix) if os.path.realpath(prefix) not in _TOO_WIDE]
    checkout = str(Path(__file__).resolve().parents[2])
    libraries = {checkout} & set(site.getsitepackages([sys.prefix, sys.base_prefix]))
    wanted += [path for path in sys.path if os.path.isdir(path) and (path != checkout or path in libraries)]
    binds: list[str] = []
    links: list[tuple[str, str]] = []
    for path in dict.fromkeys(os.path.abspath(path) for path in wanted):
        real = os.path.realpath(path)
        if not os.path.exists(real) or real in _TOO_WIDE:
            continue
        binds.append(real)
        if real != path:
            links.append((path, real))
    tops = [path for path in dict.fromkeys(binds) if not any(_below(path, other) for other in binds if other != path)]
    links = [link for link in dict.fromkeys(links) if not any(_below(link[0], top) for top in tops)]
    if checkout not in libraries and any(_below(checkout, top) for top in tops):
        raise OSError(f"{checkout} lies inside Python's own folder, which students' code can read; move it elsewhere")
    for place in _MOUNT_POINTS:
        if os.path.isdir(place) and not os.path.islink(place) and not any(_below(top, place) for top in tops):
            return Tree(place, tuple(tops), tuple(links))
    raise OSError(f"none of {', '.join(_MOUNT_POINTS)} can serve as a mount point for the jail")


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def mount_tree(tree: Tree) -> None:
    """Mount the read-only part on its mount point. Needs a mount namespace of its own."""
    os.umask(0o022)
    sc.mount(None, "/", None, sc.MS_REC | sc.MS_PRIVATE)
    root = tree.mount_point
    sc.mount("tmpfs", root, "tmpfs", sc.MS_NOSUID | sc.MS_NODEV, "size=16m,nr_inodes=4096,mode=755")
    for path in tree.binds:
        if os.path.isdir(path):
            os.makedirs(root + path, exist_ok=True)
        else:
            _touch(root + path)
        sc.bind(path, root + path, sc.ATTR_RDONLY | sc.ATTR_NOSUID | sc.ATTR_NODEV)
    for path, target in tree.links:
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        os.symlink(target, root + path)
    for folder in ("/proc", "/dev/shm", "/tmp", "/scratch", HOME):  # noqa: S108 - folders of the jail
        os.makedirs(root + folder, exist_ok=True)
    for device in _DEVICES:
        _touch(f"{root}/dev/{device}")
    os.symlink("/proc/self/fd", root + "/dev/fd")
    _touch(root + "/etc/passwd", f"student:x:1000:1000::{HOME}:/nonexistent\n")
    _touch(root + "/etc/group", "student:x:1000:\n")


def _touch(path: str, text: str = "") -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def enter_tree(tree: Tree, *, disk_mib: int) -> None:
    """Add what each jail has for itself, make it the root, and detach the old one; ends in the work folder.

    Runs as the jail's init, so that /proc shows the jail's processes. The tree must have been
    bound on itself or mounted by this very namespace: inherited mounts are locked in place.
    """
    root = tree.mount_point
    # The old /proc must still be in view: the kernel refuses a new one otherwise.
    sc.mount("proc", root + "/proc", "proc", sc.MS_RDONLY | sc.MS_NOSUID | sc.MS_NODEV | sc.MS_NOEXEC)
    for device in _DEVICES:
        sc.mount(f"/dev/{device}", f"{root}/dev/{device}", None, sc.MS_BIND)
    # One file system behind all writable places, so that one cap holds for their sum.
    flags = sc.MS_NOSUID | sc.MS_NODEV | sc.MS_NOEXEC
    sc.mount("tmpfs", root + "/scratch", "tmpfs", flags, f"size={disk_mib}m,nr_inodes={_INODES},mode=755")
    for place in tree.writable:
        part = f"{root}/scratch/{os.path.basename(place)}"
        os.mkdir(part, 0o700)
        sc.mount(part, root + place, None, sc.MS_BIND)
    sc.umount(root + "/scratch")
    os.chdir(root)
    sc.pivot_root(".", ".")
    sc.umount(".")  # with both roots in one place, this is the old one
    os.chdir(HOME)
    sc.set_attributes("/", sc.ATTR_RDONLY | sc.ATTR_NOSUID | sc.ATTR_NODEV, recursive=False)


def bind_on_itself(tree: Tree) -> None:
    """Make an inherited, locked tree one that may be pivoted into."""
    sc.mount(None, "/", None, sc.MS_REC | sc.MS_PRIVATE)
    sc.bind(tree.mount_point, tree.mount_point)
