"""ONNX Runtime: which provider, how many threads, how a batch is run."""

import ctypes
import importlib
import logging
import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyengine._optional import require
from pyengine.errors import BackendError, InvalidInputError

__all__ = ["ModelSession", "cuda_available", "quantises_activations"]

logger = logging.getLogger(__name__)

CUDA: Final = "CUDAExecutionProvider"
CPU: Final = "CPUExecutionProvider"

_CUDA_OPTIONS: Final = {
    # Grow by what is asked for: doubling holds memory that a later batch of another shape cannot use.
    "arena_extend_strategy": "kSameAsRequested",
    # TF32 rounds to 10 bits; one fingerprint has to mean one vector space on GPU and CPU.
    "use_tf32": "0",
}
_DYNAMIC_QUANTISATION: Final = (b"DynamicQuantize", b"MatMulIntegerToFloat")
_TOKEN_OUTPUTS: Final = ("last_hidden_state", "token_embeddings")
_TEXT_OUTPUT: Final = "sentence_embedding"
_INTEGERS: Final = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_INPUTS: Final = ("input_ids", "attention_mask", "token_type_ids", "position_ids")


def load_runtime() -> Any:
    """Import onnxruntime, refusing an environment in which two builds of it overwrote each other.

    Raises
    ------
    MissingExtraError
        onnxruntime is not installed.
    BackendError
        Both onnxruntime and onnxruntime-gpu are installed.
    """
    # Imported here: it costs 10 ms that `import pyengine` need not pay.
    metadata = importlib.import_module("importlib.metadata")
    installed = []
    for name in ("onnxruntime", "onnxruntime-gpu"):
        try:
            installed.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    if len(installed) > 1:
        raise BackendError(
            f"{' and '.join(installed)} are both installed; they share one folder, and CUDA vanishes "
            "silently. Remove both, then install one: pip uninstall -y onnxruntime onnxruntime-gpu && "
            "pip install 'pyengine[gpu]' (or 'pyengine[cpu]')"
        )
    return require("onnxruntime", extra="cpu")


def cuda_available(runtime: Any) -> tuple[bool, str]:
    """Return whether CUDA is worth trying, and why not.

    ``get_available_providers`` says what the build contains, not what the machine has, and a failed
    attempt prints errors, so the driver is asked first.
    """
    if CUDA not in runtime.get_available_providers():
        return False, "this build of onnxruntime has no CUDA"
    try:
        driver = _driver()
        count = ctypes.c_int(0)
        answers = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    except OSError:
        return False, "no NVIDIA driver is installed"
    if not answers or count.value < 1:
        return False, "the NVIDIA driver reports no usable GPU"
    return True, "an NVIDIA GPU answers"


def _driver() -> Any:
    return ctypes.CDLL("libcuda.so.1")


def quantises_activations(model: Path) -> bool:
    """Whether the graph scales activations by what is in the batch.

    In such a graph a text's vector would depend on its neighbours. The operators' names stand in the
    file as text, so no ONNX parser is needed; a false alarm only costs batching.
    """
    with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(data.find(name) >= 0 for name in _DYNAMIC_QUANTISATION)


class ModelSession:
    """One ONNX Runtime session with its inputs and its output resolved.

    Threads: `run` may be called from several; the GIL is released while the model runs.

    Parameters
    ----------
    model : Path
        The ONNX file.
    name : str
        What the log line calls the model.
    providers : sequence of str, optional
        ONNX Runtime execution providers, in order. By default CUDA if a GPU answers, else CPU.
    n_threads : int
        Threads of one run on the CPU.
    tokens_wanted : bool
        Use the token vectors even if the model offers text vectors.
    """

    def __init__(
        self,
        model: Path,
        *,
        name: str,
        providers: Sequence[str] | None,
        n_threads: int,
        tokens_wanted: bool,
    ) -> None:
        self._session, self.provider = _open(load_runtime(), model, name, providers, n_threads)
        self.on_cuda = self.provider == CUDA
        self._device = "cuda" if self.on_cuda else "cpu"
        inputs = {node.name: node for node in self._session.get_inputs()}
        unknown = [name for name in inputs if name not in _INPUTS]
        if unknown or "input_ids" not in inputs:
            raise InvalidInputError(
                f"{model}: inputs {', '.join(inputs)}: expected input_ids and, if at all, "
                f"{', '.join(_INPUTS[1:])}; export the model for feature extraction"
            )
        self._dtypes = {name: _integer(model, node) for name, node in inputs.items()}
        rows, length = inputs["input_ids"].shape
        self.fixed_rows = rows if isinstance(rows, int) else None
        self.fixed_length = length if isinstance(length, int) else None
        if self.fixed_rows not in (None, 1):
            raise InvalidInputError(
                f"{model}: exported for batches of exactly {rows} texts; export with a free batch axis"
            )
        output = _choose_output(model, self._session.get_outputs(), tokens_wanted=tokens_wanted)
        self.output = str(output.name)
        self.gives_tokens = len(output.shape) == 3
        self.width: int | None = output.shape[-1] if isinstance(output.shape[-1], int) else None
        self.dtype = str(output.type)

    def run(self, tokens: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Return the output for a padded batch, as the model's float type."""
        feeds = {
            name: _feed(name, tokens, mask).astype(dtype, copy=False) for name, dtype in self._dtypes.items()
        }
        try:
            if self.on_cuda:
                return self.run_bound(feeds)
            return np.asarray(self._session.run([self.output], feeds)[0])
        except Exception as error:  # onnxruntime has no common base of its own
            raise BackendError(
                f"onnxruntime failed on a batch of {tokens.shape[0]} x {tokens.shape[1]} tokens on "
                f"{self.provider}: {error}; if memory ran out, lower batch_tokens"
            ) from error

    def run_bound(self, feeds: dict[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
        """Run with IO binding: one copy to the device per input, one back for the one output used."""
        binding = self._session.io_binding()
        for name, array in feeds.items():
            binding.bind_cpu_input(name, np.ascontiguousarray(array))
        binding.bind_output(self.output, self._device)
        self._session.run_with_iobinding(binding)
        return np.asarray(binding.copy_outputs_to_cpu()[0])


def _feed(name: str, tokens: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the model input called ``name``."""
    if name == "input_ids":
        return tokens
    if name == "attention_mask":
        return mask
    if name == "position_ids":
        return np.tile(np.arange(tokens.shape[1], dtype=np.int64), (len(tokens), 1))
    return np.zeros_like(tokens)


def _options(runtime: Any, n_threads: int) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    # Waiting threads of other sessions, or between queries, must not eat a core.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Batches differ in shape: an arena and per-shape plans only grow. Without them the same speed
    # and memory that comes back.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    return options


def _open(
    runtime: Any, model: Path, name: str, providers: Sequence[str] | None, n_threads: int
) -> tuple[Any, str]:
    """Return a session and the provider it really got, with one log line saying which and why."""
    if providers is not None:
        _check_providers(runtime, providers)
        wanted, why = list(providers), "asked for"
    else:
        usable, why = cuda_available(runtime)
        wanted = [CUDA, CPU] if usable else [CPU]
    if CUDA in wanted and hasattr(runtime, "preload_dlls"):
        # The CUDA and cuDNN libraries of the gpu extra lie in site-packages, out of the loader's sight.
        runtime.preload_dlls()
    try:
        session = _create(runtime, model, wanted, n_threads)
    except BackendError as error:
        if providers is not None or wanted == [CPU]:
            raise
        session, why = _create(runtime, model, [CPU], n_threads), f"{why}, but {error}"
    got = str(session.get_providers()[0])
    if got != wanted[0]:
        if providers is not None:
            raise BackendError(
                f"providers: asked for {wanted[0]}, onnxruntime gave {got}; "
                "see its log, or leave providers out to take what works"
            )
        why = f"{why}; {wanted[0]} could not start"
    logger.info("%s runs on %s: %s", name, got.removesuffix("ExecutionProvider"), why)
    return session, got


def _create(runtime: Any, model: Path, providers: list[str], n_threads: int) -> Any:
    described = [(name, _CUDA_OPTIONS) if name == CUDA else name for name in providers]
    try:
        # Its own fallback prints to stdout and goes on; ours asks what was got and logs it.
        return runtime.InferenceSession(
            str(model), _options(runtime, n_threads), providers=described, enable_fallback=0
        )
    except Exception as error:  # onnxruntime has no common base of its own
        raise BackendError(
            f"{model}: onnxruntime cannot load it: {error}; "
            "the file may be damaged, or need a newer onnxruntime"
        ) from error


def _check_providers(runtime: Any, providers: Sequence[str]) -> None:
    available = runtime.get_available_providers()
    if isinstance(providers, str) or not providers or any(name not in available for name in providers):
        raise InvalidInputError(
            f"providers: expected a list of names among {', '.join(available)}, got {providers!r}"
        )


def _integer(model: Path, node: Any) -> Any:
    if node.type not in _INTEGERS:
        raise InvalidInputError(f"{model}: input {node.name}: expected int64 or int32, got {node.type}")
    return _INTEGERS[node.type]


def _choose_output(model: Path, outputs: Sequence[Any], *, tokens_wanted: bool) -> Any:
    """Return the text vectors if the model makes them, else the token vectors."""
    named = {node.name: node for node in outputs}
    if not tokens_wanted and _TEXT_OUTPUT in named:
        return named[_TEXT_OUTPUT]
    for name in _TOKEN_OUTPUTS:
        if name in named:
            return named[name]
    for rank in (3,) if tokens_wanted else (3, 2):
        for node in outputs:
            if len(node.shape) == rank:
                return node
    kind = "token vectors (rows, tokens, width)" if tokens_wanted else "token or text vectors"
    raise InvalidInputError(
        f"{model}: outputs {', '.join(f'{n.name} {n.shape}' for n in outputs)}: expected one with {kind}; "
        "export the model for feature extraction"
    )
