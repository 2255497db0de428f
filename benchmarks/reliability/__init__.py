"""What is tried to break the package: ``python -m benchmarks.reliability COMMAND``.

The commands are ``interrupts``, ``memory``, ``sameness`` and ``disks``; `benchmarks.corruption` is
older and stands beside. Each is seeded, and goes on where it was stopped. What came of them is in
``benchmarks/RELIABILITY.md``.
"""
