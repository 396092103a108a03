# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening media files with PyAV, and saying in our own words why one cannot be opened or decoded."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MediaError

if TYPE_CHECKING:
    from av.container import InputContainer

# decoders need what lies before a place to start there: an mp3's bit reservoir, an overlapping AAC block
PREROLL_SECONDS = 1.0
# a pause that no recording has: beyond it the timestamps are wrong, and filling it would take the memory
MAX_GAP_SECONDS = 900.0
_MICROSECONDS = 1_000_000
# a sample description of MPEG-4 (ISO 23001-7, FairPlay, Audible), and the content encryption object of Windows Media
_PROTECTED = re.compile(
    rb"stsd.{12}(?:encv|enca|drms|drmi|aavd)|" + re.escape(bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")),
    re.DOTALL,
)
_LOOKED_AT_BYTES = 1 << 18


def open_media(path: Path) -> InputContainer:
    """Open a media file, or say in one sentence why not. Tags are never looked at. Raises :class:`MediaError`."""
    import av

    path = Path(path)
    _require_readable(path)
    # asked before decoding: now and then a decoder makes noise of encrypted packets without an error
    if _is_protected(_ends(path)):
        raise _unreadable(path, None)
    try:
        return av.open(_name_or_file(path), metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception | None) -> MediaError:
    return MediaError(
        f"The file {path.name} cannot be read as audio or video: {why_unreadable(path, error)}.",
        "Play it in a media player; if that fails too, export it again as wav or mp4.",
    )


def _name_or_file(path: Path) -> Any:
    """What PyAV opens without reading more into a name than a file: an address, a protocol, a pattern of numbers."""
    # "concat:a.wav" is a protocol unless a folder stands before it; a picture called "100%d.png" is a sequence
    return path.open("rb") if "%" in path.name else str(path.absolute())


def start_seconds_of(container: InputContainer) -> float:
    """The timestamp a player calls second 0: mp3 and transport streams do not begin at zero."""
    return (container.start_time or 0) / _MICROSECONDS


def length_seconds_of(container: InputContainer) -> float | None:
    """How long the file says it is; None where it does not say."""
    return container.duration / _MICROSECONDS if container.duration and container.duration > 0 else None


def in_our_words(error: Exception) -> str:
    """What a decoder's error means to whoever has the file."""
    import av

    code = getattr(error, "errno", None)
    if isinstance(error, av.error.PatchWelcomeError | av.error.DecoderNotFoundError | av.error.DemuxerNotFoundError):
        return "it is coded in a way that our decoder does not know"
    if isinstance(error, av.error.EOFError):
        return "it ends before its contents begin"
    if isinstance(error, PermissionError) or code in (errno.EACCES, errno.EPERM):
        return "this user may not read it"
    if code == errno.EIO:
        return "the disk or the network failed while reading it"
    return "its contents are damaged, cut off or of another kind than its name says"


def why_unreadable(path: Path, error: Exception | None) -> str:
    """Why nothing of a file can be decoded, after a look at what kind of file it is."""
    if kind := _known_trouble(path):
        return kind
    return in_our_words(error) if error else "not one block of it can be decoded"


def _known_trouble(path: Path) -> str:
    """Copy protection, and kinds that no decoder of ours reads, by the file's first and last bytes."""
    head, tail = ends = _ends(path)
    if _is_protected(ends):
        return "it is copy-protected, and only its own player may read it"
    if head.startswith(b"version https://git-lfs"):
        return "it is a pointer of Git LFS; the file itself was not fetched (git lfs pull)"
    if head[8:12] == b"WEBP":
        return "it is an animated WebP picture, which our decoder does not know"
    if head[4:8] == b"ftyp" and b"moov" not in head + tail:
        return "its index is missing: the recording was not finished, or the copy is cut off"
    return ""


def _is_protected(ends: tuple[bytes, bytes]) -> bool:
    return any(_PROTECTED.search(part) for part in ends)


def _ends(path: Path) -> tuple[bytes, bytes]:
    """The file's first and last bytes, nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_LOOKED_AT_BYTES)
            file.seek(max(path.stat().st_size - _LOOKED_AT_BYTES, 0))
            return head, file.read(_LOOKED_AT_BYTES)
    except OSError:
        return b"", b""


def packets(container: InputContainer, stream: Any) -> Iterator[tuple[Any, Exception | None]]:
    """The stream's packets; where the file breaks off, ``(None, error)`` as the last."""
    import av

    source = container.demux(stream)
    while True:
        try:
            packet = next(source)
        except StopIteration:
            return
        except (av.FFmpegError, OSError, ValueError) as error:
            yield None, error
            return
        yield packet, None


def seek_before(container: InputContainer, stream: Any, seconds: float) -> bool:
    """Go to a place at least a preroll before ``seconds``; False where the file has to be read from its start."""
    import av

    if seconds <= PREROLL_SECONDS or stream.time_base is None:
        return False
    try:
        target = start_seconds_of(container) + seconds - PREROLL_SECONDS
        container.seek(int(target / stream.time_base), stream=stream)
    except (av.FFmpegError, OSError, ValueError):
        return False
    return True


def _require_readable(path: Path) -> None:
    # pathlib makes one slash of two
    if re.match(r"[a-z][a-z0-9+.-]+:[/\\]", str(path), re.IGNORECASE) and not path.exists():
        raise MediaError(f"{path} is an address on the network, not a file.", "Download it first.")
    try:
        if not path.exists():
            raise MediaError(f"The file {path} does not exist.", "Choose another file or re-link the strip.")
        if path.is_dir():
            raise MediaError(f"{path} is a folder, not a sound or video file.", "Choose a file in it.")
        if not path.is_file():
            raise MediaError(f"{path} is a device or a pipe, not a file.", "Save the sound or video to a file first.")
        if path.stat().st_size == 0:
            raise MediaError(f"The file {path.name} is empty (0 bytes).", "Copy or export it again.")
        with path.open("rb"):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise MediaError(f"The file {path} cannot be opened ({reason}).", "Check its permissions.") from error
