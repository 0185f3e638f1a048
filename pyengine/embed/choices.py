"""What the folder, the model and the caller say together: pooling, length limit, batch size."""

from pathlib import Path
from typing import Any, Final

from pyengine.embed.folder import ModelFolder
from pyengine.embed.pooling import check_pooling
from pyengine.embed.session import ModelSession, quantises_activations
from pyengine.errors import InvalidInputError, NotFoundError

__all__ = ["check_whole", "choose_budget", "choose_max_length", "choose_pooling"]

# Measured with MiniLM: docs/dense.md.
_CPU_TOKENS: Final = 256
_CUDA_TOKENS: Final = 16_384


def choose_pooling(folder: ModelFolder, session: ModelSession, given: str | None) -> str:
    """Return the pooling; ``"model"`` where the model itself gives text vectors."""
    if not session.gives_tokens:
        return "model"
    if folder.other_modules:
        raise InvalidInputError(
            f"{folder.root}: modules.json lists {', '.join(folder.other_modules)} after the pooling, "
            "which the ONNX file does not contain; export a model that outputs sentence_embedding"
        )
    if given is not None:
        return given
    if folder.pooling is None:
        raise NotFoundError(
            f"1_Pooling/config.json: not in the model folder {folder.root}, and the model gives token "
            "vectors; pass pooling= (the model's card says which, mostly 'mean' or 'cls')"
        )
    return check_pooling(folder.pooling, str(folder.root / "1_Pooling" / "config.json"))


def choose_max_length(folder: ModelFolder, session: ModelSession, given: int | None) -> int:
    """Return how many tokens of a text are read, never more than the model can."""
    limits = [n for n in (folder.max_positions, session.fixed_length) if n is not None]
    if given is not None:
        check_whole("max_length", given, 3)
        if limits and given > min(limits):
            raise InvalidInputError(f"max_length: the model reads at most {min(limits)} tokens, got {given}")
        return given
    if folder.max_length is not None:
        return min([folder.max_length, *limits])
    if session.fixed_length is not None:
        return session.fixed_length
    raise InvalidInputError(
        f"max_length: no file in {folder.root} says how many tokens the model reads; pass max_length="
    )


def choose_budget(model: Path, session: ModelSession, given: int | None) -> int:
    """Return the tokens of one run; 0, text by text, where a batch would change the vectors."""
    if session.fixed_rows == 1 or quantises_activations(model):
        return 0
    if given is not None:
        return given
    return _CUDA_TOKENS if session.on_cuda else _CPU_TOKENS


def check_whole(name: str, value: Any, least: int) -> None:
    """Refuse what is not a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidInputError(f"{name}: expected a whole number of at least {least}, got {value!r}")
