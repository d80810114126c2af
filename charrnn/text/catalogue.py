"""Corpora that are known by name: where to fetch each, and its file once it has been fetched."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock

from charrnn.errors import CharRNNError, CorpusError
from charrnn.extras import load_extra
from charrnn.resources import resource

CATALOGUE = resource("data") / "corpora.yaml"
CACHE = "CHARRNN_CACHE"
"""The environment variable that names the folder of fetched files; without it they are in the user's cache folder."""


@dataclass(frozen=True)
class KnownCorpus:
    """An entry of the catalogue."""

    name: str
    file: str
    title: str
    address: str
    sha256: str
    bytes: int
    licence: str


def catalogue() -> dict[str, KnownCorpus]:
    """The known corpora by name."""
    entries = yaml.safe_load(CATALOGUE.read_text("utf-8"))
    return {name: KnownCorpus(name, **entry) for name, entry in entries.items()}


def way_to(path: str | Path) -> str | None:
    """How to get a known corpus, given its name or the name of its file; None for others."""
    for corpus in catalogue().values():
        if Path(path).name in (corpus.name, corpus.file):
            return f"fetch it with charrnn corpus fetch {corpus.name}, or save {corpus.address} under that name"
    return None


def fetched(name: str) -> Path | None:
    """The file of a fetched corpus, given its name or the name of its file; None where it has not been fetched."""
    corpus = next((corpus for corpus in catalogue().values() if name in (corpus.name, corpus.file)), None)
    try:
        path = corpus and _cache() / corpus.file
    except CharRNNError:  # without the extra nothing was fetched
        return None
    return path if path and path.is_file() else None


def locate(path: str | Path) -> str | Path:
    """The path itself, or, where nothing is there, the file of the fetched corpus of that name."""
    return path if os.path.lexists(path) else fetched(str(path)) or path


def fetch(name: str, progress: Any = False) -> Path:
    """Fetches a known corpus, unless it is there, and returns its file; resumes a download that broke off.

    The file is moved to its place only after its SHA-256 has been checked. ``progress`` is a tqdm bar.
    Raises CorpusError where it cannot be fetched.
    """
    known = catalogue()
    if name not in known:
        raise CorpusError(f"no corpus is called {name!r}", f"choose among {', '.join(known)}")
    corpus = known[name]
    pooch, requests = load_extra("pooch"), load_extra("requests")
    pooch.get_logger().setLevel("ERROR")
    folder = _cache()
    path, partial = folder / corpus.file, folder / f"{corpus.file}.part"

    def download(address: str, output: str, _: Any) -> None:
        with open(partial, "ab") as file:

            def begin_anew(response: Any, **_: Any) -> None:
                if response.status_code == requests.codes.ok:  # the server sends the whole, not only the rest
                    file.truncate(0)

            if file.tell() < corpus.bytes:
                pooch.HTTPDownloader(
                    progressbar=progress,
                    chunk_size=1 << 16,
                    headers={"Accept-Encoding": "identity", "Range": f"bytes={file.tell()}-"},
                    hooks={"response": begin_anew},
                )(address, file, None)
        os.replace(partial, output)

    by_hand = f"or fetch {corpus.address} by hand and save it as {str(path)!r}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{corpus.file}.lock"):
            pooch.retrieve(corpus.address, f"sha256:{corpus.sha256}", corpus.file, folder, downloader=download)
    except requests.exceptions.RequestException as error:
        had = partial.stat().st_size if partial.exists() else 0
        kept = f"; {had:,} of {corpus.bytes:,} bytes are kept, and the same command goes on from there" if had else ""
        raise CorpusError(
            f"corpus {name!r} cannot be fetched: {_reason(error)}{kept}", f"try again, {by_hand}"
        ) from None
    except ValueError:
        raise CorpusError(
            f"corpus {name!r} cannot be fetched: what its address gives has another SHA-256 than {corpus.sha256}, and "
            "was not kept",
            f"try again, {by_hand}",
        ) from None
    except OSError as error:
        raise CorpusError(
            f"corpus {name!r} cannot be kept in {str(folder)!r}: {error.strerror}", f"name another folder with {CACHE}"
        ) from None
    return path


def _cache() -> Path:
    chosen = os.environ.get(CACHE)
    return Path(chosen) if chosen else Path(load_extra("pooch").os_cache("charrnn"))


def _reason(error: Any) -> str:
    """What went wrong, in words for a user."""
    if error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    requests = load_extra("requests").exceptions
    for kind, reason in (
        (requests.Timeout, "the server did not answer in time"),
        (requests.SSLError, "the server's certificate cannot be trusted"),
        (requests.ChunkedEncodingError, "the connection broke off"),
        (requests.ConnectionError, "the server cannot be reached; is this machine offline?"),
    ):
        if isinstance(error, kind):
            return reason
    return type(error).__name__
