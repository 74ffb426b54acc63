"""File systems of their own for a study: one that becomes full, and one whose disk can be copied at a moment."""

import errno
import filecmp
import os
import random
import subprocess
from pathlib import Path

# Bytes of a file system that becomes full, and of one whose disk is copied.
SMALL_BYTES = 8 << 20
DISK_BYTES = 32 << 20
# Copies of a disk until two are the same.
MOST_COPIES = 20


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def make_ext4(disk: Path, size: int) -> None:
    with disk.open("wb") as file:
        file.truncate(size)
    # Without blocks that only root may use: the program runs as root here.
    run("mkfs.ext4", "-q", "-m", "0", disk)


def mount_small(kind: str, folder: Path) -> None:
    """Mounts a small file system of a kind on a folder."""
    folder.mkdir()
    if kind == "tmpfs":
        run("mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES}", "tmpfs", folder)
    else:
        disk = folder.with_suffix(".disk")
        make_ext4(disk, SMALL_BYTES)
        run("mount", "-o", "loop", disk, folder)


def mount_disk(disk: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    run("mount", "-o", "loop", disk, folder)


def unmount(folder: Path) -> None:
    run("umount", "--lazy", folder)


def fill(folder: Path, left_bytes: int) -> None:
    """Fills a file system, but for so many bytes."""
    with (folder / "filler").open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
        if left_bytes:
            file.truncate(max(file.tell() - left_bytes, 0))


def free(folder: Path) -> None:
    (folder / "filler").unlink(missing_ok=True)


def copy_disk(disk: Path, to: Path) -> None:
    """Copies a disk as it is at one moment: nothing was written to it between two copies that are the same."""
    newest, other = to, to.with_suffix(".other")
    run("cp", "--sparse=always", disk, newest)
    for _ in range(MOST_COPIES):
        run("cp", "--sparse=always", disk, other)
        if filecmp.cmp(newest, other, shallow=False):
            other.unlink()
            return
        os.replace(other, newest)
    raise RuntimeError("the disk was written to without a pause")


def damage(file: Path, draw: random.Random) -> str:
    """Damages a file as a disk may that does not keep its promise; says how."""
    content = file.read_bytes()
    how = draw.choice(["cut", "zeros", "empty"])
    if how == "cut":
        content = content[: draw.randrange(len(content) - 1)]
    elif how == "zeros":
        begin = draw.randrange(len(content))
        content = content[:begin] + bytes(min(512, len(content) - begin)) + content[begin + 512 :]
    else:
        content = b""
    file.write_bytes(content)
    os.sync()
    return how
