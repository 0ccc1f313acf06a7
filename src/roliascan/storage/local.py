"""Files kept in a folder of this machine."""

import errno
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from heapq import nsmallest
from typing import BinaryIO

from roliascan.errors import Refusal
from roliascan.storage import KeyTaken, NotStored, StorageFull, StorageUnavailable, Stored, Ticket, UnknownStorage
from roliascan.storage.keys import check_key, check_prefix, is_key

_INCOMING = ".incoming"  # what is still being written; no key can start with a dot
_ABANDONED = 24 * 3600  # seconds after which a writer of an incoming file has died
_BLOCK = 1 << 20  # bytes copied at a time
_BATCH = 50_000  # names of one folder held in memory at a time

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_INSIDE = _FOLDER | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # O_NONBLOCK: opening a fifo must not wait
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

# What stands in the way is no file of ours: nothing there, a link, a folder, a socket.
_NOT_OURS = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EISDIR, errno.ENXIO}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DOWN = {errno.EROFS, errno.EIO, errno.ESTALE, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ETIMEDOUT}


class LocalStorage:
    """The Storage protocol over a folder: the key is the path below it.

    Each step of a path is opened below the one before and never through a link, so that nothing outside of the folder
    is read or written, whatever somebody put in it. Only plain files with one name count: links, fifos and devices are
    as absent. (Back the folder up with copies, not with hard links.) The folder itself may be reached through a link.
    """

    def __init__(self, root: str) -> None:
        """Makes the folder where it is missing, and clears it of what writers that died left. Raises UnknownStorage."""
        self._root = os.path.realpath(root)
        try:
            os.makedirs(os.path.join(self._root, _INCOMING), exist_ok=True)
            with self._folder([_INCOMING]) as incoming:
                _clear(incoming, before=time.time() - _ABANDONED)
            self._settle()
        except OSError as error:
            raise UnknownStorage(f"STORAGE_URL: the folder {root} cannot be used: {error.strerror}.") from error

    def put(self, key: str, source: BinaryIO, *, type: str) -> None:
        *folders, name = check_key(key).split("/")
        draft = os.urandom(16).hex()
        with (
            _refusals(KeyTaken),
            self._folder(folders, make=True) as folder,
            self._folder([_INCOMING], make=True) as incoming,
        ):
            if _exists(name, folder):
                raise KeyTaken
            try:
                _write(draft, incoming, source)
                # Unlike a rename, a link never replaces what is there.
                os.link(draft, name, src_dir_fd=incoming, dst_dir_fd=folder, follow_symlinks=False)
            except FileExistsError:
                raise KeyTaken from None
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(draft, dir_fd=incoming)
            os.fsync(folder)

    def open(self, key: str, *, start: int = 0) -> BinaryIO:
        *folders, name = check_key(key).split("/")
        with _refusals(NotStored), self._folder(folders) as folder:
            descriptor = os.open(name, _READ, dir_fd=folder)
        if os.fstat(descriptor).st_nlink > 1:
            self._settle()
        if not _is_ours(os.fstat(descriptor)):
            os.close(descriptor)
            raise NotStored
        file = os.fdopen(descriptor, "rb")
        file.seek(start)
        return file

    def delete(self, key: str) -> None:
        *folders, name = check_key(key).split("/")
        with suppress(NotStored), _refusals(NotStored), self._folder(folders) as folder:
            os.unlink(name, dir_fd=folder)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stored]:
        check_prefix(prefix)
        with _refusals(StorageUnavailable), self._folder([]) as root:
            self._settle()
            yield from _walk(root, "", prefix, after)

    def ticket(self, key: str, *, type: str, bytes: int, sha256: str, expires_at: datetime) -> Ticket | None:
        return None

    def address(self, key: str, *, method: str, type: str, disposition: str, expires_at: datetime) -> str | None:
        return None

    def _settle(self) -> None:
        """Ends what writers did not, who died when a file had its key and had not yet lost the name of its draft."""
        with suppress(OSError), self._folder([_INCOMING]) as incoming, os.scandir(incoming) as entries:
            for entry in entries:
                with suppress(OSError):  # another did so meanwhile, or may not
                    if entry.stat(follow_symlinks=False).st_nlink > 1:
                        os.unlink(entry.name, dir_fd=incoming)

    @contextmanager
    def _folder(self, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
        """The descriptor of a folder below the root. Raises OSError; StorageUnavailable when the root is gone."""
        try:
            folder = os.open(self._root, _FOLDER)
        except FileNotFoundError as error:
            raise StorageUnavailable from error
        try:
            for name in names:
                inner = _step(folder, name, make)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)


@contextmanager
def _refusals(not_ours: type[Refusal]) -> Iterator[None]:
    """Turns the file system's no into ours; its own words stay in the log, as the cause."""
    try:
        yield
    except OSError as error:
        if error.errno in _NOT_OURS:
            raise not_ours from error
        if error.errno in _FULL:
            raise StorageFull from error
        if error.errno in _DOWN:
            raise StorageUnavailable(fault=errno.errorcode[error.errno]) from error
        raise


def _step(folder: int, name: str, make: bool) -> int:
    try:
        return os.open(name, _INSIDE, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
        os.fsync(folder)
    return os.open(name, _INSIDE, dir_fd=folder)


def _exists(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _write(name: str, folder: int, source: BinaryIO) -> None:
    with open(os.open(name, _NEW, 0o666, dir_fd=folder), "wb") as file:
        while block := source.read(_BLOCK):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def _is_ours(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_nlink == 1


def _clear(folder: int, *, before: float) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError, IsADirectoryError, PermissionError):
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    os.unlink(entry.name, dir_fd=folder)


def _walk(folder: int, base: str, prefix: str, after: str) -> Iterator[Stored]:
    """The files of a folder whose keys start with `base`, in order, holding a batch of names at a time."""
    last = ""
    while batch := nsmallest(_BATCH, (path for path in _paths(folder, base, prefix, after) if path > last)):
        for path in batch:
            # Deleted or replaced while we list: absent.
            with suppress(FileNotFoundError, NotADirectoryError):
                yield from _below(folder, path, prefix, after) if path.endswith("/") else _file(folder, path)
        last = batch[-1]
        if len(batch) < _BATCH:
            return


def _paths(folder: int, base: str, prefix: str, after: str) -> Iterator[str]:
    """The keys in a folder, and its folders with a slash at their end, which sorts them as their keys sort."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = base + entry.name
            if not is_key(path):
                continue
            is_folder = entry.is_dir(follow_symlinks=False)
            if is_folder:
                path += "/"
            wanted = path.startswith(prefix) or (is_folder and prefix.startswith(path))
            if wanted and (path > after or (is_folder and after.startswith(path))):
                yield path


def _below(folder: int, path: str, prefix: str, after: str) -> Iterator[Stored]:
    inner = os.open(path.split("/")[-2], _INSIDE, dir_fd=folder)
    try:
        yield from _walk(inner, path, prefix, after)
    finally:
        os.close(inner)


def _file(folder: int, path: str) -> Iterator[Stored]:
    status = os.stat(path.rpartition("/")[2], dir_fd=folder, follow_symlinks=False)
    if _is_ours(status):
        yield Stored(path, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))
