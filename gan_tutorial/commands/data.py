"""`gan-tutorial data`: fetch FashionMNIST and verify it."""

from __future__ import annotations

import argparse
import sys

from gan_tutorial.clothes import files
from gan_tutorial.commands.cli import folder, one_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dir", type=folder, metavar="DIR",
        help=f"the folder to look in and to download to (default: ${files.VARIABLE}, else data/ in the checkout)",
    )  # fmt: skip
    parser.epilog = (
        "exit status: 0 the files are here and right; 1 a file, or what was downloaded, is damaged; "
        "2 they are not here and cannot be fetched"
    )


def main(args: argparse.Namespace) -> int:
    """Fetch what is missing, verify all. Returns 0, or 1 if something is damaged, or 2 if nothing can be had."""
    folders = files.data_folders(args.dir)
    try:
        folder = files.find(folders)
        if folder is None:
            folder = folders[0]
            files.fetch(folder)
        files.read(folder)
    except files.CorruptData as error:
        print(f"gan-tutorial data: {one_line(str(error))}", file=sys.stderr)
        return 1
    except files.NoData as error:
        advice = (
            "Until then the notebooks use drawn garments in its place. With a network, run this again; without one, "
            f"copy the files from another machine to {folders[0] / files.RAW}."
        )
        said = one_line(f"FashionMNIST is not here and cannot be fetched: {error} {advice}")
        print(f"gan-tutorial data: {said}", file=sys.stderr)
        return 2
    print(f"FashionMNIST is complete and verified in {folder / files.RAW} (60,000 images to train, 10,000 to test).")
    return 0
