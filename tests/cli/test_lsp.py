"""`stopper lsp` over its real protocol: a child process, spoken to by pygls's own client."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.lsp.client import LanguageClient

LEAKY = '''"""Unicode before the place: 🔑 counts as two units for most editors."""
import os
import jwt
from flask import Flask, request

app = Flask(__name__)
SECRET = "canary-7f3a-signing-secret-of-the-sample"


@app.get("/key")
def key():
    if request.headers["X-API-Key"] == os.environ["API_KEY"]:
        return {}
    mark = "🔑"; return jwt.decode(request.headers["X-Token"], SECRET, options={"verify_signature": False})
'''
KEY_LINE = 11


class Editor:
    """An editor that holds what it is told."""

    def __init__(self, root: Path) -> None:
        self.client = LanguageClient("test", "1")
        self.root = root
        self.told: dict[str, list[types.Diagnostic]] = {}
        self.messages: list[str] = []
        self.news = asyncio.Condition()

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        async def diagnostics(said: types.PublishDiagnosticsParams) -> None:
            async with self.news:
                self.told[Path(said.uri).name] = list(said.diagnostics)
                self.news.notify_all()

        @self.client.feature(types.WINDOW_SHOW_MESSAGE)
        async def message(said: types.ShowMessageParams) -> None:
            async with self.news:
                self.messages.append(said.message)
                self.news.notify_all()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with self.news:
            await asyncio.wait_for(self.news.wait_for(holds), 60)

    def uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def open(self, name: str) -> None:
        text = (self.root / name).read_text("utf-8")
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(self.uri(name), "python", 1, text))
        )

    def save(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, "utf-8")
        whole = types.TextDocumentContentChangeWholeDocument(text)
        changed = types.VersionedTextDocumentIdentifier(2, self.uri(name))
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(changed, [whole]))
        self.client.text_document_did_save(
            types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(self.uri(name)))
        )

    async def actions(self, name: str, line: int, only: list[str] | None = None) -> list[types.CodeAction]:
        at = types.Range(types.Position(line, 0), types.Position(line, 0))
        asked = types.CodeActionParams(
            types.TextDocumentIdentifier(self.uri(name)), at, types.CodeActionContext([], only=only)
        )
        found = await self.client.text_document_code_action_async(asked)
        return [one for one in found or [] if isinstance(one, types.CodeAction)]


@asynccontextmanager
async def editor(root: Path, *arguments: str) -> AsyncGenerator[Editor]:
    made = Editor(root)
    await made.client.start_io(sys.executable, "-m", "stopper.cli", "lsp", *arguments)
    try:
        await made.client.initialize_async(
            types.InitializeParams(types.ClientCapabilities(), root_uri=root.as_uri(), process_id=None)
        )
        made.client.initialized(types.InitializedParams())
        yield made
    finally:
        await made.client.shutdown_async(None)
        made.client.exit(None)
        await made.client.stop()  # type: ignore[no-untyped-call]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "leaky.py").write_text(LEAKY, "utf-8")
    return tmp_path


def _codes(diagnostics: list[types.Diagnostic]) -> set[object]:
    return {one.code for one in diagnostics}


def _applied(text: str, action: types.CodeAction) -> str:
    assert action.edit is not None
    assert action.edit.changes is not None
    (edits,) = action.edit.changes.values()
    lines = text.splitlines(keepends=True)
    for edit in sorted(edits, key=lambda one: -one.range.start.line):
        assert edit.range.start.character == edit.range.end.character == 0
        lines[edit.range.start.line : edit.range.end.line] = [edit.new_text]
    return "".join(lines)


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 120))


@pytest.mark.feature("F59")
def test_findings_appear_a_fix_mends_one_and_it_is_gone_after_saving(project: Path) -> None:
    async def story() -> None:
        async with editor(project) as one:
            await one.until(lambda: bool(one.told.get("leaky.py")))
            one.open("leaky.py")
            rules = _codes(one.told["leaky.py"])
            assert {"jwt-signature-not-verified", "api-key-compared-with-equals"} <= rules
            (mend,) = [
                found
                for found in await one.actions("leaky.py", KEY_LINE)
                if found.kind == types.CodeActionKind.QuickFix
            ]
            mended = _applied(LEAKY, mend)
            assert "hmac.compare_digest" in mended
            compile(mended, "leaky.py", "exec")
            one.save("leaky.py", mended)
            await one.until(lambda: "api-key-compared-with-equals" not in _codes(one.told["leaky.py"]))
            assert "jwt-signature-not-verified" in _codes(one.told["leaky.py"])
            (project / "leaky.py").unlink()
            one.client.workspace_did_change_watched_files(
                types.DidChangeWatchedFilesParams([types.FileEvent(one.uri("leaky.py"), types.FileChangeType.Deleted)])
            )
            await one.until(lambda: one.told["leaky.py"] == [])

    _run(story())


SORTED = """import sqlite3
from flask import Flask, request

app = Flask(__name__)


@app.get("/notes")
def notes():
    order = request.args.get("order", "id")
    return {"notes": sqlite3.connect("notes.db").execute("SELECT text FROM notes ORDER BY " + order).fetchall()}
"""
SORTED_LINE = 9


def test_an_edit_that_has_no_place_in_the_text_is_not_offered(tmp_path: Path) -> None:
    (tmp_path / "leaky.py").write_text(SORTED, "utf-8")

    async def story() -> None:
        async with editor(tmp_path) as one:
            await one.until(lambda: "sql-injection" in _codes(one.told.get("leaky.py", [])))
            one.open("leaky.py")
            assert not [each for each in await one.actions("leaky.py", SORTED_LINE) if "sql-injection" in each.title]

    _run(story())


def test_a_place_after_a_wide_sign_is_where_the_editor_counts_it(project: Path) -> None:
    async def story() -> None:
        async with editor(project) as one:
            await one.until(lambda: bool(one.told.get("leaky.py")))
            (found,) = [each for each in one.told["leaky.py"] if each.code == "jwt-signature-not-verified"]
            line = LEAKY.splitlines()[found.range.start.line]
            units = line.encode("utf-16-le")
            marked = units[found.range.start.character * 2 : found.range.end.character * 2].decode("utf-16-le")
            assert marked.startswith("jwt.decode(")

    _run(story())


def test_text_that_was_not_saved_gets_no_edit_of_another_text(project: Path) -> None:
    async def story() -> None:
        async with editor(project) as one:
            await one.until(lambda: bool(one.told.get("leaky.py")))
            one.open("leaky.py")
            whole = types.TextDocumentContentChangeWholeDocument("# one line more\n" + LEAKY)
            changed = types.VersionedTextDocumentIdentifier(2, one.uri("leaky.py"))
            one.client.text_document_did_change(types.DidChangeTextDocumentParams(changed, [whole]))
            assert await one.actions("leaky.py", KEY_LINE) == []

    _run(story())


def test_hover_explains_and_no_answer_holds_the_key(project: Path) -> None:
    async def story() -> None:
        async with editor(project) as one:
            await one.until(lambda: bool(one.told.get("leaky.py")))
            asked = types.HoverParams(types.TextDocumentIdentifier(one.uri("leaky.py")), types.Position(KEY_LINE, 4))
            page = await one.client.text_document_hover_async(asked)
            assert page is not None
            assert "api-key-compared-with-equals" in str(page.contents)
            assert "canary-7f3a" not in str(page.contents) + str(one.told)
            everything = await one.actions("leaky.py", 0, only=["source.fixAll"])
            assert [found.kind for found in everything] == [types.CodeActionKind.SourceFixAll]

    _run(story())


def test_bad_settings_are_one_line_and_the_server_goes_on(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.stopper]\nnonsense = 1\n", "utf-8")

    async def story() -> None:
        async with editor(project) as one:
            await one.until(lambda: bool(one.messages))
            assert "nonsense" in one.messages[0]
            assert "\n" not in one.messages[0]
            (project / "pyproject.toml").unlink()
            one.open("leaky.py")
            await one.until(lambda: bool(one.told.get("leaky.py")))

    _run(story())
