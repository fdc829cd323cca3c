"""The profile of `make fuzz`, and a bound on memory: hostile input must not take as much as it likes."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "200")),
    deadline=None,
    print_blob=True,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
MORE = 768 * 1024**2
"""Bytes of address space beyond what the tests themselves take. Beyond it, what is read ends in a `MemoryError`."""


@pytest.fixture(scope="module", autouse=True)
def bounded_memory() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MORE, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)
