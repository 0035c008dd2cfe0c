#!/usr/bin/env python
"""Django's command line for Affidavit: `python manage.py help` lists the commands.

Without settings of its own it works on the demo that runs in this checkout, if one does.
"""

import os
import sys

from django.core.management import execute_from_command_line

from config.embedded.environment import running_demo


def main() -> None:
    if demo := running_demo():
        os.environ.update(demo)
        print("On the running demo (.data/demo.json).", file=sys.stderr)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
