"""The arguments of ``fpf-notebook``, and what each command runs.

Nothing heavy is imported here: a wrong argument is answered at once.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from fpf_notebook._version import __version__


def _whole_number(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if text.isdecimal() and low <= int(text) <= high:
            return int(text)
        raise argparse.ArgumentTypeError(
            f"expected a whole number from {low} to {high}, got {text!r}"
        )

    return parse


def _output_folder(text: str) -> Path:
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a file; expected a folder, new or existing")
    return path


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="fpf-notebook",
        description="Find every fixed point of a trained recurrent network.",
    )
    parser.add_argument("--version", action="version", version=f"fpf-notebook {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    demo = commands.add_parser(
        "demo",
        help="train a flip-flop network, find all its fixed points, draw and save them",
        description=(
            "Train a network that remembers the last pulse on each of its input lines, find all "
            "its fixed points, and leave figures, the saved points and a page to look at. "
            "Exit status: 0 if the set of points agrees with the index theorem, 1 if it does "
            "not, 2 for a wrong argument, 130 if stopped by Ctrl-C."
        ),
    )
    demo.add_argument(
        "--task",
        choices=("flipflop", "jslds", "lfads"),
        default="flipflop",
        help=(
            "what to show: a network trained on the spot; the shipped networks that were "
            "co-trained as Jacobian switching linear dynamical systems; or the dynamics that LFADS "
            "infers from spikes, trained on the spot. For the last two, of the options only --seed "
            "and --out count (default: %(default)s)"
        ),
    )
    _add_network(demo)
    demo.add_argument(
        "--out",
        type=_output_folder,
        default=Path("fpf-demo"),
        metavar="DIR",
        help="folder for the results (default: %(default)s)",
    )
    demo.add_argument(
        "--no-cache",
        action="store_true",
        help="train anew, even if a network with these settings was trained before",
    )

    tutorials = commands.add_parser(
        "tutorials",
        help="copy the tutorials into a folder and open JupyterLab there",
        description=(
            "Copy the tutorials into a folder and open JupyterLab there. Notebooks in the folder "
            "that you have worked on stay as they are. Exit status: 0, 2 if the folder cannot be "
            "used or JupyterLab is not installed."
        ),
    )
    tutorials.add_argument(
        "folder",
        type=_output_folder,
        nargs="?",
        default=Path("fpf-tutorials"),
        metavar="DIR",
        help="folder, new or existing (default: %(default)s)",
    )
    tutorials.add_argument("--no-open", action="store_true", help="copy only")
    tutorials.add_argument(
        "--overwrite", action="store_true", help="replace notebooks that were changed, too"
    )

    serve = commands.add_parser(
        "serve",
        help="serve the explorer as a page for a lecture",
        description=(
            "Serve the explorer of a flip-flop network, or of a model of yours, with all its "
            "controls, as a page for a lecture (by Voila), until Ctrl-C. Exit status: 0, 2 for a "
            "wrong argument or if Voila is not installed, 130 if stopped while training."
        ),
    )
    _add_network(serve)
    serve.add_argument(
        "--model",
        metavar="MODEL",
        help=(
            "serve this model: module:object (of an installed module or one in this folder), an "
            ".npz file of weights, or the name of a shipped network; of the options above only "
            "--seed counts then"
        ),
    )
    serve.add_argument(
        "--checkpoint",
        metavar="FILE",
        help="values for a model given as module:object, as save_checkpoint wrote them",
    )
    serve.add_argument(
        "--states",
        metavar="FILE",
        help=(
            "an .npy file of states [n, n_states] or trajectories [n_batch, n_time, n_states] of "
            "the model (default: runs without input)"
        ),
    )
    serve.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on (default: %(default)s, this machine alone)",
    )
    serve.add_argument(
        "--port",
        type=_whole_number(1, 65535),
        default=8866,
        metavar="N",
        help="port to listen on (default: %(default)s)",
    )
    serve.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return parser


def _add_network(command: argparse.ArgumentParser) -> None:
    """Add the options that choose a flip-flop network."""
    command.add_argument(
        "--bits",
        # A network that remembers n bits has about 3^n fixed points.
        type=_whole_number(1, 8),
        default=3,
        metavar="N",
        help="input lines, 1 to 8 (default: %(default)s)",
    )
    command.add_argument(
        "--cell",
        choices=("tanh", "gru", "lstm"),
        default="tanh",
        help="kind of network (default: %(default)s)",
    )
    command.add_argument(
        "--hidden",
        type=_whole_number(1, 4096),
        default=None,
        metavar="N",
        help="hidden units (default: what suits the cell and the number of bits)",
    )
    command.add_argument(
        "--seed",
        type=_whole_number(0, 2**32 - 1),
        default=0,
        metavar="N",
        help="of the weights, the trials and the search (default: %(default)s)",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments, without the name of the program. By default those of the process.

    Returns
    -------
    int
        The exit status.
    """
    arguments = build_parser().parse_args(argv)
    if arguments.command == "tutorials":
        from fpf_notebook.cli.tutorials import run_tutorials

        return run_tutorials(
            folder=arguments.folder,
            overwrite=arguments.overwrite,
            open_lab=not arguments.no_open,
        )
    if arguments.command == "serve":
        from fpf_notebook.cli.serve import run_serve

        return run_serve(
            n_bits=arguments.bits,
            cell=arguments.cell,
            n_hidden=arguments.hidden,
            seed=arguments.seed,
            host=arguments.host,
            port=arguments.port,
            open_browser=not arguments.no_browser,
            model=arguments.model,
            checkpoint=arguments.checkpoint,
            states=arguments.states,
        )
    if arguments.task == "jslds":
        from fpf_notebook.cli.jslds_demo import run_jslds_demo

        return run_jslds_demo(seed=arguments.seed, out=arguments.out)
    if arguments.task == "lfads":
        from fpf_notebook.cli.lfads_demo import run_lfads_demo

        return run_lfads_demo(seed=arguments.seed, out=arguments.out)
    from fpf_notebook.cli.demo import run_demo  # not above: it is not needed for --help

    return run_demo(
        n_bits=arguments.bits,
        cell=arguments.cell,
        n_hidden=arguments.hidden,
        seed=arguments.seed,
        out=arguments.out,
        use_cache=not arguments.no_cache,
    )
