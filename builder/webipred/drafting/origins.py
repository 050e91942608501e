"""Where a model is: a Zenodo record, a Hugging Face repository, an address or a folder, and what they say about it."""

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from webipred.catalog.entry import Author
from webipred.catalog.source import FolderSource, UrlSource
from webipred.drafting.conventions import BEST_MODEL, TRAINING_FILE, join_training, read_training
from webipred.drafting.facts import OriginFacts, TrainingFacts
from webipred.errors import UsageError, refuse
from webipred.progress import Progress
from webipred.sources.cache import Cache
from webipred.sources.connection import MAX_JSON_BYTES, Connection
from webipred.sources.download import RemoteFile, download
from webipred.sources.folder import store_folder
from webipred.sources.options import FetchOptions
from webipred.sources.url import resolve_url
from webipred.sources.zenodo import ZenodoFile, read_record

_RECORD: Final = re.compile(r"(?:.*(?:10\.5281/zenodo\.|/records?/))?(\d{1,12})(?:[/?#].*)?", re.IGNORECASE)
_FACE: Final = re.compile(r"(?:https://huggingface\.co/|hf:)([\w.-]+/[\w.-]+?)(?:/tree/([\w.-]+))?/?")
# In the order of trust: a converted archive of WebIPred, AUCMEDI's best model, then what is read without a framework.
PREFERRED: Final = (
    "_model_converted.zip", BEST_MODEL, ".keras", ".h5", ".hdf5", ".onnx", ".tflite", ".zip", ".pt2", ".pt",
)  # fmt: skip
_EVIDENCE: Final = re.compile(rf"(?:.*/)?(?:{re.escape(TRAINING_FILE)}|.*metric.*\.json)", re.IGNORECASE)
DESCRIPTION_LETTERS: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """An origin, the local copy of its model file, and what the files beside it say."""

    origin: OriginFacts
    path: Path
    training: TrainingFacts


def discover(
    source: str, file: str | None, catalog_folder: Path, options: FetchOptions, progress: Progress
) -> Discovery:
    """Find out what `source` holds and fetch its model file into the cache.

    Raises FindingsError, NetworkError; UsageError for a source that is none of the four kinds.
    """
    face = _FACE.fullmatch(source)
    if face:
        return _discover_face(face[1], face[2] or "main", file, options, progress)
    if (catalog_folder / source).exists():
        return _discover_folder(source, catalog_folder, options)
    record = _RECORD.fullmatch(source)
    if record and (source.isdigit() or "zenodo" in source.casefold() or source.startswith(options.zenodo_base)):
        return _discover_record(int(record[1]), file, options, progress)
    if re.match(r"https?://", source):
        return _discover_url(source, options, progress)
    raise UsageError(
        f"add: {source!r} is neither a Zenodo DOI or record, nor an address, nor a Hugging Face repository, "
        "nor a file or folder beside the catalog."
    )


def choose_model(names: list[str], wished: str | None, where: str) -> str:
    """Return the name of the model file: the wished one, else the first in the order of PREFERRED."""
    if wished is not None and wished in names:
        return wished
    ranked = [name for ending in PREFERRED for name in sorted(names) if name.endswith(ending)]
    if wished is None and ranked:
        return ranked[0]
    shown = ", ".join(repr(name[:80]) for name in sorted(names)[:20]) or "no file"
    what = (
        f"there is no file {wished!r}; it holds {shown}."
        if wished
        else f"no file looks like a model; it holds {shown}."
    )
    raise refuse("E-ADD-FILE", where, what, "Name the model file with --file.")


def _discover_record(number: int, file: str | None, options: FetchOptions, progress: Progress) -> Discovery:
    base, where = options.zenodo_base.rstrip("/"), "add"
    with Connection(options, base, where) as connection:
        record = read_record(connection, base, number)
        files = {item.key: item for item in record.files}
        chosen = files[choose_model(list(files), file, f"record {record.record}")]
        _, answer = connection.read_json(f"{base}/api/records/{record.record}")
        metadata = _mapping(_mapping(answer).get("metadata"))
        training = join_training(list(_read_evidence(connection, record.files)))
        remote = RemoteFile(url=chosen.url, file=chosen.key, size_bytes=chosen.size_bytes, md5=chosen.md5)
        cached = download(connection, remote, Cache(options.cache_dir), progress)
    origin = OriginFacts(
        title=_text(metadata.get("title")) or f"Record {record.record}",
        source={"type": "zenodo", "record": record.record, "file": chosen.key},
        file=chosen.key,
        license=record.license_id,
        authors=tuple(_read_authors(metadata.get("creators"))),
        year=_text(metadata.get("publication_date"))[:4] or None,
        doi=f"10.5281/zenodo.{record.record}",
        description=strip_markup(_text(metadata.get("description"))),
        others=tuple(sorted(set(files) - {chosen.key})),
    )
    return Discovery(origin=origin, path=cached.path, training=training)


def _read_evidence(connection: Connection, files: tuple[ZenodoFile, ...]) -> Iterator[TrainingFacts]:
    for item in files:
        if _EVIDENCE.fullmatch(item.key) and (item.size_bytes or 0) <= MAX_JSON_BYTES:
            _, document = connection.read_json(item.url)
            yield read_training(item.key, document)


def _discover_face(
    repository: str, revision: str, file: str | None, options: FetchOptions, progress: Progress
) -> Discovery:
    base, where = options.huggingface_base.rstrip("/"), "add"
    with Connection(options, base, where) as connection:
        status, answer = connection.read_json(f"{base}/api/models/{repository}/revision/{revision}")
        fields = _mapping(answer)
        commit, siblings = _text(fields.get("sha")), fields.get("siblings")
        if not re.fullmatch(r"[0-9a-f]{40}", commit):
            what = f"Hugging Face tells no commit of {repository!r} (status {status})."
            raise refuse("E-ADD-FILE", where, what, "Check the name of the repository; private ones are not read.")
        names = (
            [_text(_mapping(item).get("rfilename")) for item in siblings if item] if isinstance(siblings, list) else []
        )
        chosen = choose_model(names, file, repository)
        address = f"{base}/{repository}/resolve/{commit}"
        evidence = []
        for name in names:
            if _EVIDENCE.fullmatch(name):
                evidence.append(read_training(name, connection.read_json(f"{address}/{name}")[1]))
        remote = RemoteFile(url=f"{address}/{chosen}", file=chosen.rsplit("/", 1)[-1])
        cached = download(connection, remote, Cache(options.cache_dir), progress)
    card = _mapping(fields.get("cardData"))
    origin = OriginFacts(
        title=repository.partition("/")[2],
        source={"type": "huggingface", "repository": repository, "commit": commit, "file": chosen},
        file=chosen,
        license=_text(card.get("license")) or None,
        authors=(Author(name=_text(fields.get("author")) or repository.partition("/")[0]),),
        others=tuple(sorted(set(names) - {chosen})),
    )
    return Discovery(origin=origin, path=cached.path, training=join_training(evidence))


def _discover_url(url: str, options: FetchOptions, progress: Progress) -> Discovery:
    remote = resolve_url(UrlSource(type="url", url=url))
    with Connection(options, url, "add") as connection:
        cached = download(connection, remote, Cache(options.cache_dir), progress)
    origin = OriginFacts(title=remote.file, source={"type": "url", "url": url}, file=remote.file)
    return Discovery(origin=origin, path=cached.path, training=TrainingFacts())


def _discover_folder(path: str, catalog_folder: Path, options: FetchOptions) -> Discovery:
    """A folder is taken as one archive if it is a TF.js model; otherwise its model file is."""
    place = catalog_folder / path
    folder = place if place.is_dir() else place.parent
    names = [item.name for item in sorted(folder.iterdir()) if item.is_file()] if place.is_dir() else [place.name]
    archive = not place.is_dir() or "model.json" in names
    chosen = path if archive else f"{path.rstrip('/')}/{choose_model(names, None, path)}"
    try:
        source = FolderSource(type="folder", path=chosen)
    except ValidationError as error:
        raise UsageError(
            f"add: {chosen!r} must lie below the catalog's folder, written with / between its parts."
        ) from error
    stored = store_folder(source, catalog_folder, Cache(options.cache_dir), options.max_bytes, "add")
    found = [item for item in sorted(folder.iterdir()) if item.is_file() and _EVIDENCE.fullmatch(item.name)]
    origin = OriginFacts(title=place.stem, source={"type": "folder", "path": chosen}, file=chosen)
    return Discovery(origin=origin, path=stored.path, training=join_training([_read_file(item) for item in found]))


def _read_file(path: Path) -> TrainingFacts:
    if path.stat().st_size > MAX_JSON_BYTES:
        return TrainingFacts()
    try:
        return read_training(path.name, json.loads(path.read_bytes()))
    except (ValueError, RecursionError):
        return TrainingFacts()


def _read_authors(creators: object) -> Iterator[Author]:
    """Read the creators of both forms of Zenodo's answers; an ORCID that is none is left out."""
    for creator in creators if isinstance(creators, list) else []:
        fields = _mapping(creator)
        person = _mapping(fields.get("person_or_org"))
        name = _text(fields.get("name")) or _text(person.get("name"))
        identifiers = person.get("identifiers")
        listed = [_mapping(item) for item in identifiers] if isinstance(identifiers, list) else []
        orcid = _text(fields.get("orcid")) or next(
            (_text(item.get("identifier")) for item in listed if item.get("scheme") == "orcid"), ""
        )
        if not name:
            continue
        try:
            yield Author(name=name, orcid=orcid or None)
        except ValidationError:
            yield Author(name=name)


def strip_markup(text: str) -> str:
    """Return a description without tags, on one line, shortened."""
    plain = html.unescape(re.sub(r"<[^>]{0,500}>", " ", text))
    return " ".join(plain.split())[:DESCRIPTION_LETTERS]


def _mapping(value: object) -> Mapping[object, object]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return "".join(character for character in value if character.isprintable())[:2000] if isinstance(value, str) else ""
