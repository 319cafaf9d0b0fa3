"""One command a file: ``add_arguments(parser)`` and ``run(arguments) -> exit code``. Heavy imports happen inside `run`."""
