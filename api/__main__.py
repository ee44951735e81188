"""The command line: `python -m api COMMAND`; the root script `./streamify` prepares the environment and comes here."""

import sys

from api.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
