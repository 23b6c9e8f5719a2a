"""One module per command, with `add_arguments(parser)` and `main(args) -> int`; `execution` serves `run`."""
