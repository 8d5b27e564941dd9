"""``python -m chorus_tui`` is the command ``chorus-tui``."""

from chorus_tui.cli.main import main

if __name__ == "__main__":
    main()
