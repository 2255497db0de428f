"""A sample of what benchmarks/corruption.py does ten thousand times."""

from collections import Counter

import pytest

from benchmarks.corruption import WAYS, corrupted, outcome
from tests.files.samples import SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_files_are_refused_or_read_as_they_were(name, tmp_path):
    sample = SAMPLES[name]
    path = tmp_path / f"damaged{sample.suffix}"
    sample.write(path)
    image = path.read_bytes()
    good = sample.arrays_of(sample.load(path))
    results: Counter[str] = Counter()
    # Each of the latter takes a process of its own; on number 274 the HDF5 library never ends.
    for number in range(200) if name != "old netcdf" else (274, *range(8)):
        way, data = corrupted(image, name, number)
        path.write_bytes(data)
        result, message = outcome(sample, good, path)
        assert result not in ("raw exception", "silent change"), (way, number, message)
        results[result] += 1
    if sample.checked:  # what is left is damage that changed nothing: a cut of no length
        assert results["refused"] > 190
    else:
        assert results["refused"] > sum(results.values()) / 4


def test_a_corruption_can_be_made_again():
    good = bytes(range(256)) * 4
    for number in range(2 * len(WAYS)):
        first, second = (corrupted(good, "x", number) for _ in range(2))
        assert first == second
        assert first[0] in WAYS
    assert corrupted(good, "x", 0) != corrupted(good, "y", 0)
