"""Files that one of two given people uploads: the other downloads them by their id or their name, or deletes them, unless the API asks whose they are."""

import itertools
from typing import Any

import pytest
from flask import Response, abort, jsonify, request
from tests.rules.test_two_given_people import Two

TAKES = {
    "responses": {},
    "requestBody": {
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
            }
        }
    },
}


def named(name: str, where: str) -> dict[str, Any]:
    """An operation of a document with one parameter."""
    return {
        "responses": {},
        "parameters": [{"name": name, "in": where, "required": where == "path", "schema": {"type": "string"}}],
    }


@pytest.mark.parametrize(
    ("way", "asks"),
    [
        *((way, False) for way in ("id", "listed", "name", "query", "pdf", "public", "shared")),
        ("id", True),
        ("name", True),
    ],
)
def test_a_file_of_another(way: str, asks: bool) -> None:
    """By the id in the answer, by that of a list, by its name in the path or the query; a PDF alone is taken; public and shared ones are told nowhere."""
    two, numbers, files = Two("drive"), itertools.count(1), dict[int, tuple[int, str, bytes]]()

    @two.app.post("/api/files")
    def take() -> Any:
        me, sent = two.caller(), request.files.get("file")
        if sent is None or not sent.filename or (way == "pdf" and not sent.filename.endswith(".pdf")):
            return jsonify(error="no file"), 400
        number = next(numbers)
        files[number] = (me, sent.filename, sent.read())
        return jsonify({"stored": True} if way in ("listed", "name", "query") else {"id": number}), 201

    @two.app.get("/api/files")
    def listed() -> Any:
        me = two.caller()
        return jsonify([{"id": n, "name": one[1]} for n, one in files.items() if one[0] == me or way == "shared"])

    def given(number: int) -> Any:
        me = two.caller() if way != "public" else 0
        one = files.get(number) or abort(404)
        if asks and one[0] != me:
            abort(404)
        if request.method == "DELETE":
            del files[number]
            return "", 204
        return Response(one[2], mimetype="application/octet-stream")

    def by_name(name: str = "") -> Any:
        wanted = name or request.args.get("file", "")
        return given(next((n for n, one in files.items() if one[1] == wanted), 0))

    documents: dict[str, Any] = {"/api/files": {"get": {"responses": {}}, "post": TAKES}}
    if way == "name":
        two.app.add_url_rule("/api/download/<name>", "by_name", by_name)
        documents["/api/download/{name}"] = {"get": named("name", "path")}
    elif way == "query":
        two.app.add_url_rule("/api/download", "by_name", by_name)
        documents["/api/download"] = {"get": named("file", "query")}
    else:
        two.app.add_url_rule("/api/files/<int:number>", "given", given, methods=["GET", "DELETE"])
        documents["/api/files/{number}"] = {"get": named("number", "path"), "delete": named("number", "path")}
    found = two.judged(**documents)
    told = not asks and way not in ("public", "shared")
    assert (found.outcome == "fail") is told, found.message
    refs = {str(ref) for ref in found.routes}
    assert not told or any(ref.startswith(("GET /api/files/{", "GET /api/download")) for ref in refs), refs
    assert (way not in ("id", "listed", "pdf") or asks) or "DELETE /api/files/{number}" in refs
    assert way in ("name", "query", "public") or not files, "what the scan uploaded is taken away again"


@pytest.mark.parametrize("asks", [True, False])
def test_files_on_the_page_of_a_number(asks: bool) -> None:
    """Everybody reads them by their names; by their numbers, which a page of somebody's number alone says, somebody who is in, and deletes them by a form."""
    two, numbers, files = Two("folder"), itertools.count(1), dict[int, tuple[int, str, bytes]]()

    @two.app.get("/start")
    def start() -> Any:
        return f'<a href="/profile/{two.caller()}">me</a> <a href="/files/{two.caller()}">files</a>'

    @two.app.post("/upload")
    def take() -> Any:
        me, sent = two.caller(), request.files["file"]
        files[next(numbers)] = (me, str(sent.filename), sent.read())
        return "<p>stored</p>"

    @two.app.get("/uploads/<name>")
    def by_name(name: str) -> Any:
        return next((one[2] for one in files.values() if one[1] == name), None) or abort(404)

    @two.app.get("/files/<int:user_id>")
    def listed(user_id: int) -> Any:
        if asks and user_id != two.caller():
            abort(403)
        return "".join(f'<a href="/download/{n}">{one[1]}</a>' for n, one in files.items() if one[0] == user_id)

    def of_the_caller(number: int) -> tuple[int, str, bytes]:
        me, one = two.caller(), files.get(number) or abort(404)
        return abort(403) if asks and one[0] != me else one

    @two.app.get("/download/<int:number>")
    def download(number: int) -> Any:
        return Response(of_the_caller(number)[2], mimetype="application/octet-stream")

    @two.app.post("/delete-file/<int:number>")
    def delete(number: int) -> Any:
        of_the_caller(number)
        del files[number]
        return "<p>gone</p>"

    found = two.judged(
        **{
            "/start": {"get": {"responses": {}}},
            "/upload": {"post": TAKES},
            "/uploads/{name}": {"get": named("name", "path")},
            "/files/{user_id}": {"get": named("user_id", "path")},
            "/download/{number}": {"get": named("number", "path")},
            "/delete-file/{number}": {"post": named("number", "path")},
        }
    )
    refs = {str(ref) for ref in found.routes}
    assert (found.outcome == "fail") is not asks, found.message
    assert asks or {"GET /download/{number}", "POST /delete-file/{number}"} <= refs, refs
