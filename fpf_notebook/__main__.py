"""``python -m fpf_notebook``: the same as the command ``fpf-notebook``."""

from fpf_notebook.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
