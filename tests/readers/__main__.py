"""Many changed files for each reader: `python -m tests.readers --n 20000`, or for some of them by name.

It ends with 1 and the smallest file that hypothesis found for each reader that raises something else than an error of
ours, takes over 10 s of CPU time or 2 GB of memory, or says nothing of the place.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
import traceback

from tests.readers.readers import READERS, readers
from tests.readers.trials import check

MEMORY = 2_000_000_000  # bytes of addresses


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.readers", description=__doc__)
    parser.add_argument("--n", type=int, default=1000, help="files for each reader")
    parser.add_argument("names", nargs="*", choices=list(READERS), metavar="reader", help="by default all")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    failed = 0
    for name in arguments.names or READERS:
        reader, begun = readers()[name], time.process_time()
        try:
            check(reader, arguments.n, limit=True)
            said = "well"
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            failed += 1
            said = "".join(traceback.format_exception(error))[-6000:]
        print(f"{name}: {arguments.n:,} files, {time.process_time() - begun:,.0f} s of CPU time: {said}", flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
