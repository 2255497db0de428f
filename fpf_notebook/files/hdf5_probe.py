"""Open an HDF5 file in a process that may die of it: run by path, with the file as its input.

Given damaged bytes, the HDF5 library can run for ever or end the process. Files with a checksum of
the whole never get that far; the others are read here first. Exit status 0 says that all of the
file can be read.
"""

import io
import signal
import sys

_SECONDS = 2.0  # of the processor, for a file that takes milliseconds
_MOST_TEXTS = 10_000
_BYTES_A_SECOND = 2e7


def _read(file, limit):  # type: ignore[no-untyped-def]
    import h5py

    for holder in (file, *_datasets(file)):
        for name in list(holder.attrs)[:1000]:
            holder.attrs[name]
    for dataset in _datasets(file):
        if dataset.shape is None or dataset.size * dataset.dtype.itemsize > limit:
            continue  # refused by its declared size later
        if dataset.chunks is not None or dataset.is_virtual:
            continue  # not ours: later, within its limits
        if h5py.check_string_dtype(dataset.dtype) is None:
            dataset[...]
        elif dataset.shape == ():
            dataset[()]
        else:
            # Each text is a look-up: of very many, some of all parts.
            for row in range(0, dataset.shape[0], 1 + dataset.shape[0] // _MOST_TEXTS):
                dataset[row]


def _datasets(file):  # type: ignore[no-untyped-def]
    import h5py

    for name in file:
        if isinstance(file.get(name, getlink=True), h5py.HardLink):
            entry = file[name]
            if isinstance(entry, h5py.Dataset):
                yield entry


def main() -> None:
    """Read standard input as a file."""
    import h5py

    limit = int(sys.argv[1])
    data = sys.stdin.buffer.read()
    if hasattr(signal, "setitimer"):  # its signal ends the process, within the library too
        signal.setitimer(signal.ITIMER_PROF, _SECONDS + len(data) / _BYTES_A_SECOND)
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            _read(file, limit)
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
        sys.exit(2)


if __name__ == "__main__":
    main()
