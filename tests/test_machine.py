"""What computes here is named, and said where the processor could do better."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from charrnn import machine
from charrnn.machine import FORCED, KERNELS, SIMD, Blas, available_cores, blas, cpu_quota, simd

WIDE = bool(SIMD["AVX-512"] & set(simd()))
is_openblas = pytest.mark.skipif([each.name for each in blas()] != ["openblas"], reason="needs OpenBLAS")

QUOTA, PERIOD = "cpu.cfs_quota_us", "cpu.cfs_period_us"
"""The files of control groups of version 1."""


def write_control_groups(root: Path, group: str | None, files: dict[str, str]) -> None:
    texts = {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    for name, text in (texts | ({"proc/self/cgroup": f"{group}\n"} if group else {})).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def said(forced: str) -> list[str]:
    """What a process says in which OpenBLAS is told which kernels to take, "" for those it takes by itself."""
    code = "from charrnn.machine import blas, held_back; print(blas()[0].kernels, held_back(), sep='\\n')"
    env = {name: value for name, value in os.environ.items() if name != FORCED} | ({FORCED: forced} if forced else {})
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True).stdout.splitlines()


def test_cores_are_those_that_this_process_may_use() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("group", "files", "cores"),
    [
        ("0::/", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/", {"cpu.max": "max 100000\n"}, math.inf),
        ("0::/pod/app", {"pod/cpu.max": "200000 100000\n", "pod/app/cpu.max": "max 100000\n"}, 2),
        ("0::/not/seen/inside", {"cpu.max": "300000 100000\n"}, 3),
        ("4:cpu,cpuacct:/", {f"cpu,cpuacct/{QUOTA}": "50000\n", f"cpu,cpuacct/{PERIOD}": "100000\n"}, 0.5),
        ("4:cpu:/job", {f"cpu/job/{QUOTA}": "-1\n", f"cpu/job/{PERIOD}": "100000\n"}, math.inf),
        ("3:memory:/\n0::/", {}, math.inf),
        (None, {"cpu.max": "100000 100000\n"}, math.inf),
    ],
)
def test_a_quota_of_cpu_time_is_read(tmp_path: Path, group: str | None, files: dict[str, str], cores: float) -> None:
    write_control_groups(tmp_path, group, files)
    assert cpu_quota(tmp_path) == cores


@pytest.mark.parametrize(
    ("group", "files"),
    [
        ("0::/", {"memory.max": "4096\n"}),
        ("0::/job/step", {"job/memory.max": "4096\n", "job/step/memory.max": "max\n"}),
        ("4:memory:/job", {"memory/job/memory.limit_in_bytes": "4096\n"}),
    ],
)
def test_a_limit_of_memory_is_read(tmp_path: Path, group: str, files: dict[str, str]) -> None:
    write_control_groups(tmp_path, group, files)
    assert machine.memory(tmp_path) == 4096


@pytest.mark.parametrize(("quota", "cores"), [(0.3, 1), (1.9, 1), (math.inf, available_cores())])
def test_a_quota_counts_as_whole_cores(monkeypatch: pytest.MonkeyPatch, quota: float, cores: int) -> None:
    monkeypatch.setattr(machine, "cpu_quota", lambda: quota)
    assert available_cores() == cores


def test_kernels_tell_their_instructions() -> None:
    assert Blas("openblas", "0.3", "Haswell").instructions == "AVX2"
    assert Blas("openblas", "0.3", "Cooperlake").instructions == "AVX-512"
    assert Blas("openblas", "0.3", "Nehalem").instructions is None


@is_openblas
@pytest.mark.skipif(not WIDE, reason="needs a processor with AVX-512")
def test_kernels_that_are_held_back_are_named_with_what_to_do() -> None:
    kernels, advice = said("Haswell")
    assert kernels == "Haswell"
    assert advice.startswith("this processor has AVX-512, and BLAS uses its Haswell kernels, which do not; ")
    assert advice.endswith(f"; unset {FORCED}, which is 'Haswell'")
    assert said(KERNELS["AVX-512"][0])[1] == "None"
