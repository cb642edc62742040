"""PostgreSQL refuses to run as root: root's server gets an account of its own and a way to its files."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from pathlib import Path

from config.keeper import ServerError

ACCOUNT = "paper-round"


def account_for(data: Path) -> pwd.struct_passwd | None:
    """Who runs the server on `data`: None = the caller; for root, the folder's owner or our account."""
    if os.geteuid() != 0:
        if data.exists() and data.stat().st_uid != os.geteuid():
            owner = _name(data.stat().st_uid)
            raise ServerError(f"{data} belongs to {owner}: run as {owner} or root, or remove that folder")
        return None
    if data.exists() and data.stat().st_uid != 0:
        try:
            return pwd.getpwuid(data.stat().st_uid)
        except KeyError:
            pass  # made under an account of another machine: ours takes over
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        return _create()


def _create() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd is None:
        raise ServerError("PostgreSQL does not run as root and there is no useradd: run as an ordinary user")
    done = subprocess.run(
        [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT],
        capture_output=True,
        text=True,
    )
    try:
        account = pwd.getpwnam(ACCOUNT)  # also where another process was faster
    except KeyError:
        raise ServerError(
            f"PostgreSQL does not run as root and the account {ACCOUNT} cannot be made"
            f" ({done.stderr.strip()}): run as an ordinary user"
        ) from None
    say(f"running as root, so PostgreSQL gets a system user of its own: {ACCOUNT} (useradd)")
    return account


def open_the_way(account: pwd.struct_passwd, *targets: Path) -> None:
    """Let `account` pass through the folders above `targets` (o+x, not more); say which ones that opened."""
    opened = []
    for folder in sorted({parent for target in targets for parent in target.resolve().parents}):
        if not _may_pass(account, folder.stat()):
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
            opened.append(str(folder))
    if opened:
        say(f"running as root, so other users may now pass through {', '.join(opened)} (chmod o+x)")


def open_to_read(account: pwd.struct_passwd, folder: Path) -> None:
    """Let `account` read what lies below `folder`, which an installer with a strict umask may have closed."""
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if mode != wanted and path.stat().st_uid != account.pw_uid:
            path.chmod(wanted)


def say(sentence: str) -> None:
    print(f"paper-round: {sentence}", file=sys.stderr, flush=True)


def _may_pass(account: pwd.struct_passwd, status: os.stat_result) -> bool:
    if status.st_uid == account.pw_uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.pw_gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
