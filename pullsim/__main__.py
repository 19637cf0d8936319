"""``python -m pullsim``."""

from __future__ import annotations

from pullsim.cli import main

if __name__ == "__main__":
    main()
