"""The Language Server Protocol of `stopper lsp`: marks as diagnostics, fixes as code actions, a rule's page on hover."""

import asyncio
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Final

from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer

from stopper import __version__
from stopper.cli.editor import Mark, Replacement, Sight, look, replacements
from stopper.cli.group import said
from stopper.core.redactor import mask
from stopper.core.rule import Edit, Severity
from stopper.scan import catalogue
from stopper.scan.reports.patch import patched

_SEVERITIES: Final[dict[Severity, types.DiagnosticSeverity]] = {
    "critical": types.DiagnosticSeverity.Error,
    "high": types.DiagnosticSeverity.Error,
    "medium": types.DiagnosticSeverity.Warning,
    "low": types.DiagnosticSeverity.Information,
}
_NOTHING: Final = Sight({}, {})
READS_AGAIN: Final = (
    types.TEXT_DOCUMENT_DID_OPEN,
    types.TEXT_DOCUMENT_DID_SAVE,
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
)


class Editor:
    """One workspace: what was seen of it last. Readings never overlap; whatever happens during one makes another."""

    def __init__(self, server: LanguageServer, root: Path | None) -> None:
        self._server = server
        self._given = root
        self._sight = _NOTHING
        self._told: frozenset[str] = frozenset()
        self._wanted = False
        self._reading = False

    @property
    def root(self) -> Path:
        """The folder that is read: the one that was given, else the editor's."""
        return self._given or Path(self._server.workspace.root_path or ".").resolve()

    async def read(self) -> None:
        """Read the project anew and tell the editor. What is wrong with the project's settings is one line."""
        self._wanted = True
        if self._reading:
            return
        self._reading = True
        try:
            while self._wanted:
                self._wanted = False
                try:
                    self._sight = await asyncio.to_thread(look, self.root)
                except Exception as wrong:  # noqa: BLE001 - the rim: a person gets one line, never a traceback
                    self._say(mask(said(wrong)[0]))
                else:
                    self._publish()
        finally:
            self._reading = False

    def _say(self, line: str) -> None:
        self._server.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"stopper: {line}"))

    def _publish(self) -> None:
        found: dict[str, list[types.Diagnostic]] = {path: [] for path in self._told}
        for path, marks in self._sight.marks.items():
            found[path] = [self._diagnostic(mark) for mark in marks]
        for path, line, message in self._sight.errors:
            at = types.Position(line - 1, 0)
            found.setdefault(path, []).append(
                types.Diagnostic(types.Range(at, at), message, severity=types.DiagnosticSeverity.Hint, source="stopper")
            )
        for path, diagnostics in found.items():
            self._server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(self._uri(path), diagnostics))
        self._told = frozenset(path for path, diagnostics in found.items() if diagnostics)

    def _diagnostic(self, mark: Mark) -> types.Diagnostic:
        others = [
            types.DiagnosticRelatedInformation(
                types.Location(
                    self._uri(other.path), types.Range(types.Position(other.line - 1, 0), types.Position(other.line, 0))
                ),
                f"also here: {mark.rule}",
            )
            for other in mark.others
            if other.path is not None and other.line is not None
        ]
        return types.Diagnostic(
            self._range(mark), mark.message, severity=_SEVERITIES[mark.severity], code=mark.rule, source="stopper",
            related_information=others,
        )  # fmt: skip

    def _range(self, mark: Mark) -> types.Range:
        points = types.Range(
            types.Position(mark.line - 1, mark.column - 1), types.Position(mark.end_line - 1, mark.end_column - 1)
        )
        lines = self._sight.texts.get(mark.path, "").splitlines(keepends=True)
        return self._server.workspace.position_codec.range_to_client_units(lines, points) if lines else points

    def _uri(self, path: str) -> str:
        return uris.from_fs_path(str(self.root / path)) or ""

    def _path(self, uri: str) -> str | None:
        full = Path(uris.to_fs_path(uri) or "")
        return full.relative_to(self.root).as_posix() if full.is_relative_to(self.root) else None

    def _marks(self, uri: str, first: int, last: int) -> list[Mark]:
        path = self._path(uri)
        marks = self._sight.marks.get(path, ()) if path is not None else ()
        return [mark for mark in marks if mark.line - 1 <= last and mark.end_line - 1 >= first]

    def actions(self, asked: types.CodeActionParams) -> list[types.CodeAction]:
        """The fixes of the marks in the range; none where the text is another than the one that was read."""
        uri = asked.text_document.uri
        path = self._path(uri)
        text = self._sight.texts.get(path) if path is not None else None
        if path is None or text is None or self._server.workspace.get_text_document(uri).source != text:
            return []
        made = partial(_action, uri, text)
        found: list[types.CodeAction] = []
        for mark in self._marks(uri, asked.range.start.line, asked.range.end.line):
            if mark.edit is not None and patched(text, [mark.edit]) != text:
                note = "" if mark.edit.safe else " (review it)"
                found.append(
                    made(f"Mend {mark.rule}{note}", types.CodeActionKind.QuickFix, [mark.edit], self._diagnostic(mark))
                )
        safe = [mark.edit for mark in self._sight.marks.get(path, ()) if mark.edit is not None and mark.edit.safe]
        if safe:
            found.append(made("Stopper: apply every safe fix of this file", types.CodeActionKind.SourceFixAll, safe))
        only = asked.context.only
        return [one for one in found if only is None or any(_is_kind(one.kind, wanted) for wanted in only)]

    def page(self, asked: types.HoverParams) -> types.Hover | None:
        """What the rules of the marks on this line say."""
        line = asked.position.line
        marks = {mark.rule: mark for mark in self._marks(asked.text_document.uri, line, line)}
        texts = [_explained(mark) for mark in marks.values()]
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "\n\n---\n\n".join(texts))) if texts else None


def _explained(mark: Mark) -> str:
    rule = catalogue.find(mark.rule)
    if rule is None:
        return mark.rule
    page = catalogue.page(rule)
    return f"**{page.title}** ({mark.severity}, `{mark.rule}`)\n\n{page.summary}\n\n**Fix.** {page.fix}\n\n**With Stopper:** {mark.ends}"


def _action(
    uri: str,
    text: str,
    title: str,
    kind: types.CodeActionKind,
    edits: Iterable[Edit],
    of: types.Diagnostic | None = None,
) -> types.CodeAction:
    changes = {uri: [_text_edit(one) for one in replacements(text, edits)]}
    return types.CodeAction(
        title,
        kind=kind,
        diagnostics=[of] if of else None,
        is_preferred=True if of else None,
        edit=types.WorkspaceEdit(changes=changes),
    )


def _text_edit(one: Replacement) -> types.TextEdit:
    return types.TextEdit(types.Range(types.Position(one.start, 0), types.Position(one.end, 0)), one.text)


def _is_kind(kind: str | None, wanted: str) -> bool:
    return kind is not None and (kind == wanted or kind.startswith(f"{wanted}."))


def server_of(root: Path | None = None) -> LanguageServer:
    """The server, ready to run; *root*: the folder that is read, None for the one that the editor names."""
    server = LanguageServer("stopper", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Incremental)
    editor = Editor(server, root)

    for event in (types.INITIALIZED, *READS_AGAIN):

        @server.feature(event)
        async def again(ls: LanguageServer, asked: object) -> None:
            await editor.read()

    kinds = [types.CodeActionKind.QuickFix, types.CodeActionKind.SourceFixAll]

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=kinds))
    def actions(asked: types.CodeActionParams) -> list[types.CodeAction]:
        return editor.actions(asked)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(asked: types.HoverParams) -> types.Hover | None:
        return editor.page(asked)

    return server
