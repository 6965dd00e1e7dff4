"""A body that may be missing: ``request.get_json() or {}``."""


def test_a_member_of_a_body_or_of_nothing_is_a_member_of_the_body(read):
    reading = read(
        "from flask import Flask, request\napp = Flask('x')\n@app.post('/n')\ndef n():\n"
        "    body = request.get_json(silent=True) or {}\n    return body.get('role')\n"
    )
    assert [(one.source, one.key) for one in reading.app.source.all_readings] == [("flask.request.get_json", "role")]
