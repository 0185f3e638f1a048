"""Tokenising, and grouping texts of like length under a token budget."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyengine._optional import require
from pyengine.errors import InvalidInputError

__all__ = ["TextTokenizer", "pad", "plan_batches"]

Ids = npt.NDArray[np.int32]

# Above this many characters a text is tokenised by the library's batch call, which lets other Python
# threads run; its single call does not (seen with tokenizers 0.23: 5 s for 5 million characters).
_LONG_TEXT: Final = 16_384


class TextTokenizer:
    """``tokenizer.json`` with the padding it brings switched off and our own truncation.

    Parameters
    ----------
    path : Path
        The file.
    max_length : int
        Tokens kept of a text, special tokens included.
    lower_case : bool
        Lower-case texts first (``do_lower_case`` of ``sentence_bert_config.json``).
    pad_id : int, optional
        Token id of padding; the tokenizer's own if it names one.
    parallel : bool
        Tokenise on all cores (the library knows all cores or one).
    """

    def __init__(
        self, path: Path, *, max_length: int, lower_case: bool, pad_id: int | None, parallel: bool
    ) -> None:
        tokenizers = require("tokenizers", extra="cpu")
        try:
            self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception
            raise InvalidInputError(
                f"{path}: not a tokenizer the tokenizers library can read: {error}; fetch the file again"
            ) from error
        self.pad_id = self._pad_id(pad_id)
        # Packaged MiniLM tokenizers pad every text to 128 tokens unless told otherwise: a query would
        # cost ten times as much.
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length)
        self._lower_case = lower_case
        self._parallel = parallel

    def _pad_id(self, configured: int | None) -> int:
        padding = self._tokenizer.padding
        if padding is not None:
            return int(padding["pad_id"])
        for token in ("[PAD]", "<pad>"):
            found = self._tokenizer.token_to_id(token)
            if found is not None:
                return int(found)
        return configured or 0

    def ids(self, texts: Sequence[str]) -> tuple[list[Ids], int]:
        """Return the token ids of every text and how many texts were cut."""
        if self._lower_case:
            texts = [text.lower() for text in texts]
        if self._parallel:
            encodings = self._tokenizer.encode_batch_fast(texts)
        else:
            encodings = [self._encode(text) for text in texts]
        # A tokenizer without special tokens makes nothing of an empty text; the model needs something.
        ids = [np.array(encoding.ids or [self.pad_id], dtype=np.int32) for encoding in encodings]
        return ids, sum(1 for encoding in encodings if encoding.overflowing)

    def pieces(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return for each text its pieces and how many of them are unknown, shape (n, 2); none is special."""
        if self._lower_case:
            texts = [text.lower() for text in texts]
        found = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        unknown = {self._tokenizer.token_to_id(token) for token in ("[UNK]", "<unk>")} - {None}
        counts = [(len(one.ids), sum(id_ in unknown for id_ in one.ids)) for one in found]
        return np.array(counts, dtype=np.int64).reshape(-1, 2)

    def _encode(self, text: str) -> Any:
        if len(text) > _LONG_TEXT:
            return self._tokenizer.encode_batch_fast([text])[0]
        return self._tokenizer.encode(text)


def plan_batches(lengths: npt.NDArray[np.int64], budget: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield groups of positions, longest texts first, that cover every position once.

    Rows times longest row of a group stay within ``budget``, except that a single text longer than it
    is a group of its own. Deterministic: equal lengths keep their order.

    Parameters
    ----------
    lengths : int64, shape (n,)
        Tokens of each text, at least 1.
    budget : int
        Padded tokens per group; 0 makes every text a group of its own.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        rows = max(1, budget // int(lengths[order[start]]))
        yield order[start : start + rows]
        start += rows


def pad(ids: Sequence[Ids], pad_id: int, width: int | None = None) -> tuple[Any, Any]:
    """Return ``(input_ids, attention_mask)``, int64 of shape (rows, width), padded on the right."""
    width = max(len(row) for row in ids) if width is None else width
    tokens = np.full((len(ids), width), pad_id, dtype=np.int64)
    mask = np.zeros((len(ids), width), dtype=np.int64)
    for i, row in enumerate(ids):
        tokens[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return tokens, mask
