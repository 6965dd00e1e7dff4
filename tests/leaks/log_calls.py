"""What is said in a log call."""

import logging
from typing import Any

from tests.leaks.place import Group, Place

group = Group()
log = logging.getLogger("shop")


def to_stderr() -> None:
    logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(message)s %(args)s")


def said(title: str) -> Any:
    def add(run: Any) -> Any:
        def whole(place: Place) -> None:
            to_stderr()
            run(place.canary)

        group.path(title)(whole)
        return run

    return add


class Odd:
    def __init__(self, value: str) -> None:
        self.value = value

    def __str__(self) -> str:
        return f"odd {self.value}"

    __repr__ = __str__


class Broken(Odd):
    def __str__(self) -> str:
        raise RuntimeError(self.value)


@said("the message")
def _(value: str) -> None:
    log.info(value)


@said("an f-string")
def _(value: str) -> None:
    log.info(f"calling with {value} now")


@said("an argument")
def _(value: str) -> None:
    log.info("calling with %s", value)


@said("an argument shown with repr")
def _(value: str) -> None:
    log.info("calling with %r", value)


@said("bytes as an argument")
def _(value: str) -> None:
    log.info("calling with %s", value.encode())


@said("a list as an argument")
def _(value: str) -> None:
    log.info("calling with %s", ["a", value])


@said("a dict as an argument")
def _(value: str) -> None:
    log.info("calling with %s", {"a": {"b": [value]}})


@said("a mapping for named places")
def _(value: str) -> None:
    log.info("calling with %(key)s", {"key": value})


@said("an argument that the format leaves out")
def _(value: str) -> None:
    log.info("calling with %(a)s", {"a": 1, "b": value})


@said("a secret split over two arguments")
def _(value: str) -> None:
    log.info("halves %s%s", value[:12], value[12:])


@said("a secret split over arguments with text between")
def _(value: str) -> None:
    logging.getLogger().handlers[0].setFormatter(Glueing())
    log.info("pieces %s, %s and %s", value[:9], value[9:18], value[18:])


class Glueing(logging.Formatter):
    """Who reads a log can put the pieces together; this formatter does."""

    def format(self, record: logging.LogRecord) -> str:
        return "".join(map(str, record.args or ()))


@said("an object whose text holds it")
def _(value: str) -> None:
    log.info("calling with %s", Odd(value))


@said("an object as the message")
def _(value: str) -> None:
    log.info(Odd(value))


@said("an exception as the message")
def _(value: str) -> None:
    log.error(ValueError(value))


@said("an exception as an argument")
def _(value: str) -> None:
    log.error("failed: %s", ValueError(value))


@said("a traceback")
def _(value: str) -> None:
    try:
        raise ValueError(value)
    except ValueError:
        log.exception("failed")


@said("the cause of an exception")
def _(value: str) -> None:
    try:
        try:
            raise KeyError(value)
        except KeyError as cause:
            raise RuntimeError("outer") from cause
    except RuntimeError:
        log.exception("failed")


@said("a note on an exception")
def _(value: str) -> None:
    try:
        error = ValueError("plain")
        error.add_note(f"while calling with {value}")
        raise error
    except ValueError:
        log.exception("failed")


@said("a group of exceptions")
def _(value: str) -> None:
    try:
        raise ExceptionGroup("several", [ValueError("a"), ValueError(value)])
    except ExceptionGroup:
        log.exception("failed")


@said("a format that does not fit")
def _(value: str) -> None:
    log.info("calling with %d", value)


@said("too few places for the arguments")
def _(value: str) -> None:
    log.info("calling", value)


@said("an argument whose text cannot be had")
def _(value: str) -> None:
    log.info("calling with %s", Broken(value))


@said("a field given with extra")
def _(value: str) -> None:
    logging.getLogger().handlers[0].setFormatter(logging.Formatter("%(message)s %(detail)s"))
    log.info("calling", extra={"detail": {"nested": [value]}})


@said("the stack of a call")
def _(value: str) -> None:
    exec(compile(f"log.info('x', stack_info=True)  # {value}", value, "exec"), {"log": log})


@said("the name of a logger")
def _(value: str) -> None:
    logging.getLogger().handlers[0].setFormatter(logging.Formatter("%(name)s %(message)s"))
    logging.getLogger(f"client.{value}").info("made")


@said("a logger adapter")
def _(value: str) -> None:
    logging.getLogger().handlers[0].setFormatter(logging.Formatter("%(message)s %(session)s"))
    logging.LoggerAdapter(log, {"session": value}).info("calling")


@said("a record made by hand")
def _(value: str) -> None:
    log.handle(log.makeRecord("shop", logging.INFO, "file", 1, "with %s", (value,), None))


@said("a logger of a class of its own")
def _(value: str) -> None:
    class Other(logging.Logger):
        pass

    other = Other("other")
    other.addHandler(logging.StreamHandler())
    other.warning("calling with %s", value)


@said("a child process's logger, forked")
def _(value: str) -> None:
    import os

    child = os.fork()
    if not child:
        log.info("calling with %s", value)
        os._exit(0)
    os.waitpid(child, 0)
