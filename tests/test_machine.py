"""What computes here is named, and said where the processor could do better."""

import os
import subprocess
import sys

import pytest

from charrnn.machine import FORCED, KERNELS, SIMD, Blas, available_cores, blas, simd

WIDE = bool(SIMD["AVX-512"] & set(simd()))
is_openblas = pytest.mark.skipif([each.name for each in blas()] != ["openblas"], reason="needs OpenBLAS")


def said(forced: str) -> list[str]:
    """What a process says in which OpenBLAS is told which kernels to take, "" for those it takes by itself."""
    code = "from charrnn.machine import blas, held_back; print(blas()[0].kernels, held_back(), sep='\\n')"
    env = {name: value for name, value in os.environ.items() if name != FORCED} | ({FORCED: forced} if forced else {})
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True).stdout.splitlines()


def test_cores_are_those_that_this_process_may_use() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


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
