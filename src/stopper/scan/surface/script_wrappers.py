"""Functions of a script that ask for it: ``const api = (m, p, b) => fetch('/api' + p, ...)``. Their calls are written as what they come to."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stopper.scan.surface.script_texts import READ, known_texts

CALLS_MOST: Final = 200
"""Calls of one function that are written out."""
WRAPPERS_MOST: Final = 24
ROUNDS: Final = 2
"""How deep functions that call such functions are followed."""
_BEFORE: Final = 700
"""Characters before a call in which the function begins that it stands in."""
_INSIDE: Final = 900
"""Characters of the arguments of one call."""
_ASKS: Final = r"(?:window\.)?(?:fetch|axios(?:\.request)?|\$\.ajax)"
_NAME: Final = re.compile(r"[A-Za-z_$][\w$]{0,40}")
_HEAD: Final = re.compile(
    r"function\s+([A-Za-z_$][\w$]{0,40})\s*\(([^()]{0,200})\)"
    r"|([A-Za-z_$][\w$]{0,40})\s{0,3}[:=]\s{0,3}(?:async\s+)?(?:function\s*)?\(([^()]{0,200})\)\s{0,3}(?:=>|\{)"
    r"|([A-Za-z_$][\w$]{0,40})\s{0,3}[:=]\s{0,3}(?:async\s+)?([A-Za-z_$][\w$]{0,40})\s{0,3}=>"
    r"|(?<![\w$.])(?!if\b|for\b|while\b|switch\b|catch\b|function\b)([A-Za-z_$][\w$]{0,40})\s{0,3}\(([^()]{0,200})\)\s{0,3}\{"
)
_METHOD: Final = re.compile(
    r"""\b(?:method|type)(?:\s{0,3}:\s{0,3}(?:["'`](\w{3,7})["'`]|([A-Za-z_$][\w$]{0,40}))|\s{0,3}(?=[,}]))"""
)
_BODY: Final = re.compile(
    r"\b(?:JSON\.stringify\(\s{0,3}|(?:body|data)\s{0,3}:\s{0,3}(?:\w{1,20}\s{0,3}&&\s{0,3})?)(?!JSON\b)([A-Za-z_$][\w$]{0,40})"
)
_MADE: Final = re.compile(
    r"""([A-Za-z_$][\w$]{0,40})\s{0,3}=\s{0,3}axios\.create\(\s{0,9}\{[^{}]{0,300}?baseURL\s{0,3}:\s{0,3}(?:["'`]([^"'`\n]{0,120})["'`]|([A-Za-z_$][\w$.]{0,60}))"""
)
_DEFAULT: Final = re.compile(
    r"""(axios)\.defaults\.baseURL\s{0,3}=\s{0,3}(?:["'`]([^"'`\n]{0,120})["'`]|([A-Za-z_$][\w$.]{0,60}))"""
)
_TEXT: Final = re.compile(r"""^(["'`])((?:(?!\1)[^\\\n]){0,200})\1$""")
_INSERTED: Final = re.compile(r"\$\{([^{}]{1,80})\}")
_VERBS: Final = frozenset({"get", "post", "put", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A function that asks: which argument is the path, the method, the body, the options; what it puts before the path. ``verbs`` says that
    its methods are called, as of what ``axios.create`` makes."""

    name: str
    base: str
    path: int = 0
    method: str = ""
    method_at: int = -1
    body_at: int = -1
    options_at: int = -1
    verbs: bool = False


def with_wrappers(text: str) -> str:
    """*text* with the calls of such functions written as the calls of ``fetch`` that they come to."""
    if "fetch" not in text and "axios" not in text and "ajax" not in text:
        return text
    text = text[:READ]
    known = known_texts(text)
    found = [*_instances(text, known)]
    level = [Wrapper("", "", options_at=1)]
    for _ in range(ROUNDS):
        level = [new for one in level for new in _around(text, one, known)]
        level = [one for one in dict.fromkeys(level) if one.name not in {old.name for old in found}]
        found += level
    for one in found[:WRAPPERS_MOST]:
        text = _written(text, one, known)
    return text


def _instances(text: str, known: Mapping[str, str]) -> Iterator[Wrapper]:
    for found in (*_MADE.finditer(text), *_DEFAULT.finditer(text)):
        base = found.group(2) if found.group(2) is not None else known.get(found.group(3).rpartition(".")[2], "")
        yield Wrapper(found.group(1), _on_host(base), body_at=1, verbs=True)


def _around(text: str, inner: Wrapper, known: Mapping[str, str]) -> Iterator[Wrapper]:
    """The functions that do nothing with a path of theirs but hand it to *inner*, or to ``fetch`` where it has no name."""
    called = re.escape(inner.name) if inner.name else _ASKS
    for place in list(re.finditer(rf"(?<![\w$])(?:this\.)?{called}\s{{0,3}}\(", text))[:CALLS_MOST]:
        args = [one for one, _ in _arguments(text, place.end())]
        if len(args) <= inner.path or (head := _function_around(text, place.start())) is None:
            continue
        name, params = head
        parts = _parts(args[inner.path], known)
        if (
            name == inner.name
            or not parts
            or parts[-1][0]
            or parts[-1][1] not in params
            or not all(said for said, _ in parts[:-1])
        ):
            continue
        rest = args[inner.options_at] if 0 <= inner.options_at < len(args) else ""
        method, method_at = _method(inner, args, rest, params)
        body = _BODY.search(rest)
        own_body = (
            args[inner.body_at].strip() if 0 <= inner.body_at < len(args) else body.group(1) if body is not None else ""
        )
        handed = [
            at
            for at, one in enumerate(params)
            if re.search(rf"(?:^|\.\.\.|[(,]\s*){re.escape(one)}\s*(?:$|[,)}}])", rest.strip())
        ]
        base = "".join(said for said, _ in parts[:-1])
        options_at = next((at for at in handed if params[at] not in (own_body, parts[-1][1])), -1)
        yield Wrapper(
            name, _joined(inner.base, _on_host(base)), params.index(parts[-1][1]), method, method_at,
            params.index(own_body) if own_body in params else -1, options_at,
        )  # fmt: skip


def _method(inner: Wrapper, args: Sequence[str], rest: str, params: Sequence[str]) -> tuple[str, int]:
    """The method that a function asks with, or the place of its argument that says it."""
    said = args[inner.method_at].strip() if 0 <= inner.method_at < len(args) else ""
    literal = _TEXT.match(said)
    if literal is not None:
        return literal.group(2), -1
    if said:
        return "", params.index(said) if said in params else -1
    found = _METHOD.search(rest)
    if found is None:
        return inner.method, -1
    name = found.group(2) or ("" if found.group(1) else "method")
    return (found.group(1) or "", params.index(name) if name in params else -1)


def _function_around(text: str, place: int) -> tuple[str, list[str]] | None:
    """The name and the parameters of the function that begins last before *place*."""
    heads = list(_HEAD.finditer(text, max(0, place - _BEFORE), place))
    for head in reversed(heads):
        groups = [one for one in head.groups() if one is not None]
        params = [one.split("=")[0].strip(" {}.") for one in groups[1].split(",")]
        if params and params[0] and groups[0] not in ("headers", "then"):
            return groups[0], params
    return None


def _written(text: str, one: Wrapper, known: Mapping[str, str]) -> str:
    verb = r"\.(get|post|put|patch|delete)" if one.verbs else "()"
    pieces, last, count = list[str](), 0, 0
    for place in re.finditer(
        rf"(?<![\w$])(?:[A-Za-z_$][\w$]{{0,40}}\.)?{re.escape(one.name)}{verb}\s{{0,3}}(?:<[^<>()]{{1,60}}>)?\(", text
    ):
        if place.start() < last or text[max(0, place.start() - 9) : place.start()].endswith("function "):
            continue
        args = list(_arguments(text, place.end()))
        if len(args) <= one.path or (path := _path(args[one.path][0], one.base, known)) is None:
            continue
        count += 1
        if count > CALLS_MOST:
            break
        pieces += [text[last : place.start()], _asked(path, one, [said for said, _ in args], place.group(1))]
        last = args[-1][1] + 1
    return "".join((*pieces, text[last:]))


def _asked(path: str, one: Wrapper, args: Sequence[str], verb: str) -> str:
    """The call of ``fetch`` that a call comes to."""
    if 0 <= one.options_at < len(args) and not one.verbs:
        return f'fetch("{path}", {args[one.options_at]})'
    told = _TEXT.match(args[one.method_at].strip()) if 0 <= one.method_at < len(args) else None
    method = verb or (told.group(2) if told is not None else one.method) or (one.name if one.name in _VERBS else "")
    body = args[one.body_at].strip() if 0 <= one.body_at < len(args) and method.lower() not in ("get", "delete") else ""
    sent = f", body: JSON.stringify({body})" if body else ""
    return f'fetch("{path}", {{method: "{method.upper() or "GET"}"{sent}}})'


def _path(said: str, base: str, known: Mapping[str, str]) -> str | None:
    parts = _parts(said, known)
    if not parts or not parts[0][0]:
        return None
    path = "".join(text or f"{{{name}}}" for text, name in parts)
    return _joined(base, path) if re.fullmatch(r"[\w{}<>:./?=&%~@-]{1,200}", path) and "//" not in path else None


def _parts(said: str, known: Mapping[str, str]) -> list[tuple[str, str]]:
    """The pieces of a text that is put together: each its text, or else the name of what stands there. Empty where it is something else."""
    found: list[tuple[str, str]] = []
    for piece in re.split(r"\s{0,3}\+\s{0,3}(?=(?:[^\"'`]|[\"'`][^\"'`]{0,200}[\"'`]){0,40}$)", said.strip()):
        literal = _TEXT.match(piece.strip())
        if literal is None:
            found.append(_named(piece, known))
            continue
        at = 0
        for inserted in _INSERTED.finditer(literal.group(2)):
            found += [(literal.group(2)[at : inserted.start()], "")] if inserted.start() > at else []
            found.append(_named(inserted.group(1), known))
            at = inserted.end()
        found += [(literal.group(2)[at:], "")] if literal.group(2)[at:] else []
    return found if all(text or name for text, name in found) else []


def _named(piece: str, known: Mapping[str, str]) -> tuple[str, str]:
    plain = re.sub(r"^encodeURIComponent\((.{1,60})\)$", r"\1", piece.strip())
    name = plain.rpartition(".")[2]
    if not _NAME.fullmatch(name):
        return "", ""
    return (known[name], "") if name in known else ("", name)


def _joined(base: str, path: str) -> str:
    return path if not base else f"{base.rstrip('/')}/{path.lstrip('/')}" if path else base


def _on_host(base: str) -> str:
    """The path of an address: which host a script names says little of where it runs."""
    return re.sub(r"^(?:https?:)?//[^/]{1,100}", "", base)


def _arguments(text: str, start: int) -> Iterator[tuple[str, int]]:
    """The arguments of the call whose bracket opens before *start*, each with where it ends; nothing where the bracket does not close soon."""
    depth, quote, begun, found = 0, "", start, list[tuple[str, int]]()
    for at in range(start, min(len(text), start + _INSIDE)):
        sign = text[at]
        if quote:
            quote = "" if sign == quote and text[at - 1] != "\\" else quote
        elif sign in "\"'`":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}" and depth:
            depth -= 1
        elif sign in ",)" and not depth:
            found.append((text[begun:at], at))
            begun = at + 1
            if sign == ")":
                yield from found
                return
