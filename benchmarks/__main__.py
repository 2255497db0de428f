"""Run all measurements of the finder: ``python -m benchmarks [options of compare_peers]``."""

import subprocess
import sys

for module, arguments in (("sizes", []), ("compare_peers", sys.argv[1:])):
    print(f"\n## {module}\n", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{module}", *arguments], check=True)
