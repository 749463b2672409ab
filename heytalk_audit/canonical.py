"""Documents: written canonically, so that the same content has the same bytes and digest; read strictly, so that no key is ignored."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from heytalk_audit.errors import InputError, nearest

#: The package's own folder.
PACKAGE = Path(__file__).resolve().parent


_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False, default=str)


def canonical(value: Any) -> bytes:
    """Canonical JSON: sorted keys, UTF-8, one newline at the end."""
    return (_ENCODER.encode(value) + "\n").encode("utf-8")


class Streamed(list[Any]):
    """A list of a document that is too long to hold: its values, of which there is one at least, come as they are written."""

    def __init__(self, values: Callable[[], Iterator[Any]]):
        super().__init__()
        self._values = values

    def __iter__(self) -> Iterator[Any]:
        return self._values()

    def __bool__(self) -> bool:
        return True


def write_canonical(value: Any, path: Path) -> None:
    """Canonical JSON as a file, piece by piece; it may have lists that are streamed."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_ENCODER.iterencode(value))
        file.write("\n")


def write_whole(content: bytes, path: Path, mode: int = 0o600) -> None:
    """Write a file, whole or not at all, on the disk before it stands there. A link in its place is replaced, and never followed."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def parse_yaml(text: str) -> Any:
    """What YAML says; by libyaml, which is ten times faster, where it is there. Raises ValueError or yaml.YAMLError where it is none."""
    return load_yaml(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def load_yaml(text: str, loader: type[Any]) -> Any:
    """What a loader of PyYAML makes of a text. Raises ValueError or yaml.YAMLError, also where a tag, as `!!float`, is not what it tags."""
    try:
        return yaml.load(text, Loader=loader)
    except (AttributeError, LookupError, TypeError) as error:
        # PyYAML looks at a tagged scalar without a thought that it may be something else
        raise ValueError("a tag is on what it does not fit") from error


#: How large a document may be that people or other programs hand in, in bytes, and how deep.
MOST_BYTES, MOST_DEPTH = 8_000_000, 50


def read_bounded(path: Path, where: str, most: int = MOST_BYTES) -> str:
    """The text of a document that is handed in. Raises InputError, before it is read, where it is no file or larger than `most` bytes.

    Raises OSError and UnicodeDecodeError as reading does.
    """
    _refuse_unbounded(path, where, most)
    return path.read_text("utf-8-sig")


def bytes_bounded(path: Path, where: str, todo: str, most: int = MOST_BYTES) -> bytes:
    """The bytes of a file that is handed in. Raises InputError where it is no file, larger than `most` bytes, or cannot be read."""
    try:
        _refuse_unbounded(path, where, most)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(where, "cannot be read", todo) from error


def _refuse_unbounded(path: Path, where: str, most: int) -> None:
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise InputError(where, "is no file", "name a file, and no folder, pipe or device")
    if state.st_size > most:
        raise InputError(where, f"is larger than {most / 10**6:,.0f} MB", "keep it shorter")


class _WithoutAliases(yaml.SafeDumper):
    """Writes a value that stands twice twice, as `read_yaml` takes no alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def yaml_text(document: Any, sort_keys: bool = True, width: int = 80) -> str:
    """A document as YAML that `read_yaml` reads."""
    return str(yaml.dump(document, Dumper=_WithoutAliases, allow_unicode=True, sort_keys=sort_keys, width=width))


def read_yaml(path: Path, where: str, loader: type[Any] | None = None, most: int = MOST_BYTES, depth: int = MOST_DEPTH) -> Any:
    """What a YAML document that is handed in says, of at most so many bytes and levels; by a loader of PyYAML, where one is named.

    Raises InputError, before it is built, where it is larger or deeper, has an alias, by which a few lines become millions of values, or a
    key twice, of which one would be ignored; and OSError, UnicodeDecodeError, ValueError and yaml.YAMLError as reading does.
    """
    text = read_bounded(path, where, most)
    within: list[_Within] = []
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise InputError(where, f"line {line} has an alias", "write the value out where it is used")
        if isinstance(event, yaml.CollectionEndEvent):
            within.pop()
        elif isinstance(event, yaml.NodeEvent):
            if within and within[-1].repeats(event):
                raise InputError(where, f"line {line} has a key that stands twice", "write each key once")
            if isinstance(event, yaml.CollectionStartEvent):
                within.append(_Within(isinstance(event, yaml.MappingStartEvent)))
        if len(within) > depth:
            raise InputError(where, f"line {line} lies deeper than {depth} levels", "keep it flatter")
    return parse_yaml(text) if loader is None else load_yaml(text, loader)


@dataclass
class _Within:
    """A list, or a mapping, of a document that is read: its keys so far, and whether the next part is one."""

    is_mapping: bool
    is_key: bool = True
    keys: set[str] = field(default_factory=set)

    def repeats(self, part: yaml.NodeEvent) -> bool:
        """Whether the next part of it is a key that it has already."""
        is_key, self.is_key = self.is_mapping and self.is_key, not self.is_key
        if not is_key or not isinstance(part, yaml.ScalarEvent):
            return False
        if part.value in self.keys:
            return True
        self.keys.add(part.value)
        return False


def read_json(path: Path, where: str) -> Any:
    """What a JSON document that is handed in says. Raises InputError where it is too large or too deep; OSError and ValueError as reading
    does."""
    document = json.loads(read_bounded(path, where))
    level, depth = [document], 0
    while level:
        depth += 1
        inner = [value for value in level if isinstance(value, dict | list)]
        if inner and depth > MOST_DEPTH:
            raise InputError(where, f"lies deeper than {MOST_DEPTH} levels", "keep it flatter")
        level = [part for value in inner for part in (value.values() if isinstance(value, dict) else value)]
    return document


def digest(content: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()


def file_sha256(file: Path) -> str:
    """SHA-256 of a file, in hex; the file may be larger than memory."""
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def package_files() -> list[tuple[str, bytes]]:
    """The package's own files: name and content."""
    files = [p for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return sorted((p.relative_to(PACKAGE).as_posix(), p.read_bytes()) for p in files)


def code_digest() -> str:
    """SHA-256 over the sorted lines "digest  file" of the package's own files."""
    return digest("".join(f"{digest(content)}  {name}\n" for name, content in package_files()).encode())


class Strict(BaseModel):
    """A model of a document that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", strict=False)


def refusal(error: ValidationError, model: type[BaseModel], where: str, like: str = "params/quarterly.yaml") -> InputError:
    """The first error of a validation as one line. For an unknown key it names the nearest one there is; entries of lists count from 1."""
    first = error.errors()[0]
    path = [str(p + 1 if isinstance(p, int) else p) for p in first["loc"]]
    key = ".".join(path)
    if first["type"] == "extra_forbidden":
        return InputError(f"{where}: {key[:80]}", "unknown key", nearest(path[-1][:80], _keys_at(model, path[:-1])))
    if first["type"] == "missing":
        return InputError(f"{where}: {key}", "is missing", f"compare with {like}")
    message = first["msg"].removeprefix("Value error, ")
    what, _, todo = message.partition("; ")
    return InputError(f"{where}: {key}", what, todo or "mend the value")


def _keys_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """The keys of the model that stands at a path within a model."""
    for step in path:
        field = model.model_fields.get(step)
        inner = field.annotation if field else None
        inner = next(iter(get_args(inner)), None) if get_origin(inner) is list else inner
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
    return [field.alias or name for name, field in model.model_fields.items()]
