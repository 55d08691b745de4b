"""``python -m crossbar``: the command line without the installed script."""

from crossbar.cli.main import main

if __name__ == "__main__":
    main()
