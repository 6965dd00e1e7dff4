"""How a process, a thread or a call ends: the texts that Python writes by itself, each in a process of its own."""

import subprocess
import sys
import textwrap

from tests.leaks.place import Group, Place

group = Group()

HEAD = """
import asyncio, atexit, concurrent.futures, faulthandler, gc, logging, os, signal, sys, threading, time, traceback, unittest, warnings
from stopper.core import log_redaction
from stopper.core.secret import Secret
value = sys.stdin.read()
kept = Secret(value)
key = kept if {on} else value
if {on}:
    log_redaction.install()
"""


def ends(title: str, body: str) -> None:
    script = textwrap.dedent(body)

    @group.path(title)
    def run(place: Place) -> None:
        code = HEAD.format(on=place.protected) + script
        subprocess.run([sys.executable, "-c", code], input=place.canary, text=True, timeout=60, check=False)


ends("an exception that nobody catches", "raise ValueError(f'calling with {value}')")
ends(
    "its cause",
    "try:\n    raise KeyError(value)\nexcept KeyError as cause:\n    raise RuntimeError('outer') from cause",
)
ends("a note on it", "error = ValueError('x')\nerror.add_note(value)\nraise error")
ends("a group of them", "raise ExceptionGroup('several', [ValueError(value)])")
ends(
    "a thread that dies",
    "def run():\n    raise ValueError(value)\nt = threading.Thread(target=run)\nt.start()\nt.join()",
)
ends(
    "an exception in __del__",
    "class D:\n    def __del__(self):\n        raise ValueError(value)\nd = D()\ndel d\ngc.collect()",
)
ends("an exception in a callback at exit", "def bye():\n    raise ValueError(value)\natexit.register(bye)")
ends("a warning", "warnings.warn(f'calling with {value}')")
ends("a warning that is an error", "warnings.simplefilter('error')\nwarnings.warn(f'calling with {value}')")
ends(
    "a task of asyncio that nobody awaits",
    "async def fail():\n    raise ValueError(value)\nasync def main():\n    asyncio.create_task(fail())\n    await asyncio.sleep(0.05)\n    gc.collect()\nasyncio.run(main())\ngc.collect()",
)
ends(
    "asyncio's own report",
    "loop = asyncio.new_event_loop()\nloop.call_exception_handler({'message': f'calling with {value}'})\nloop.close()",
)
ends(
    "a future whose result is asked for",
    "with concurrent.futures.ThreadPoolExecutor() as pool:\n    pool.submit(lambda: int(value)).result()",
)
ends(
    "a callback of a future",
    "with concurrent.futures.ThreadPoolExecutor() as pool:\n    f = pool.submit(lambda: 1)\n    f.result()\n    f.add_done_callback(lambda done: int(value))",
)
ends("an assertion", "assert key == 'x', f'{key} is not x'")
ends(
    "a failing test of unittest",
    "class T(unittest.TestCase):\n    def test(self):\n        self.assertEqual([key], ['x'])\nunittest.main(argv=['x'])",
)
ends("sys.exit with a text", "sys.exit(f'cannot go on with {key}')")
ends(
    "logging's report of a broken handler",
    "class H(logging.StreamHandler):\n    def emit(self, record):\n        try:\n            raise OSError('full disk')\n        except OSError:\n            self.handleError(record)\nlog = logging.getLogger('x')\nlog.addHandler(H())\nlog.warning('with %s', value)",
)
ends("a timer that dies", "t = threading.Timer(0, lambda: int(value))\nt.start()\nt.join()")
ends(
    "a signal handler that raises",
    "def handler(*_):\n    raise ValueError(value)\nsignal.signal(signal.SIGUSR1, handler)\nos.kill(os.getpid(), signal.SIGUSR1)\ntime.sleep(1)",
)
