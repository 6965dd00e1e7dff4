"""The application that STACK_APP names, for a server: ``gunicorn stack_wsgi:application``."""

import os

from stack import factories

application, _ = factories(os.environ.get("STACK_REDIS") or None)[os.environ["STACK_APP"]]()
