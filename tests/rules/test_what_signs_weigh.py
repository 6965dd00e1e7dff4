"""What a sign weighs where the same sign is a weakness in one program and hardly one in another: the pages cannot say it."""

from pathlib import Path

import pytest

from stopper.scan.catalogue import load
from stopper.scan.engine import run_detectors
from stopper.scan.source import files
from stopper.scan.source.read import read_files

HEAD = "from flask import Flask, request, session, make_response\nimport os, secrets\n\napp = Flask(__name__)\n"
SET = "\n\n@app.get('/x')\ndef x():\n    answer = make_response('ok')\n    answer.set_cookie({})\n    return answer\n"
STAGES = "class _Config:\n    SECRET_KEY = 'Fjord-Anker-41-Wal'\n\n\nclass {}(_Config):\n    {}\n\n\nclass DevConfig(_Config):\n    pass\n\n\napp.config.from_object(os.environ['SETTINGS'])\n"
FALLBACK = "app.secret_key = os.environ.get('KEY') or os.urandom(24)\n"
ANEW = "from yaml import safe_load as load\napp.config.update({'SECRET_KEY': os.urandom(32)})\n"
USES = "\n\n@app.get('/seen')\ndef seen():\n    session['seen'] = True\n    return 'ok'\n"
BODY = "def body():\n    return request.get_json(force=True, silent=True) or {}\n"
LOGS = "\n\n@app.post('{}')\ndef x():\n    app.logger.{}('seen %s', {})\n    return 'ok'\n"
HOOK = "\n\n@app.before_request\ndef seen():\n    app.logger.info('seen %s', {})\n" + "".join(
    f"\n\n@app.get('/{word}')\ndef {word}():\n    return 'ok'\n" for word in ("notes", "tags", "people", "groups")
)
DECODES = "import jwt\n\n\n@app.post('/x')\ndef x():\n    return jwt.decode(request.form['t'], os.environ[{}], algorithms=['HS256'])\n"
SIGNS = (
    "\n\n@app.post('/y')\ndef y():\n    return jwt.encode({'sub': '1', 'exp': 9}, os.environ['K'], algorithm='HS256')\n"
)
READS = "\n\n@app.get('/me')\ndef me():\n    return request.cookies['user_name']\n"
JOBS = """
from flask_login import current_user, login_required
db = SQLAlchemy(app)


class Job(db.Model):
    owner_id = db.Column(db.ForeignKey("users.id"))


@app.get("/jobs")
@login_required
def jobs():
    return jsonify(jobs={})


@app.get("/jobs/<int:job_id>")
@login_required
def job(job_id):
    return jsonify(Job.query.get(job_id).name)


@app.post("/jobs/<int:job_id>")
@login_required
def rename(job_id):
    Job.query.get(job_id).name = request.form["name"]
    db.session.commit()
    return "ok"
"""
LIMIT = "from flask_limiter import Limiter\n\n\ndef caller():\n    return {}\n\n\nlimiter = Limiter(app=app, key_func=caller)\n"
PROVIDER = (
    "import jwt, requests\n\n\n@app.get('/me')\ndef me():\n    key = {}\n    said = jwt.decode(request.headers['Authorization'][7:], key,"
    " algorithms=['RS256'], audience='huts', issuer='https://login.example/')\n    return said['name']\n"
)
REFUSED = "app.config['SECRET_KEY'] = 'Fjord-Anker-41-Wal'\nif {}:\n    raise RuntimeError\n"


@pytest.mark.parametrize(
    ("slug", "source", "weights"),
    [
        ("cookie-flags-missing", HEAD + SET.format("'userId', '7'"), ["low"]),
        ("cookie-flags-missing", HEAD + SET.format("'user_name', request.args['n']") + READS, [None]),
        ("cookie-flags-missing", HEAD + SET.format("'device_token', secrets.token_hex(16)"), [None]),
        ("cookie-flags-missing", HEAD + SET.format("'seen', secrets.token_hex(16)"), ["low"]),
        ("secret-key-hardcoded", HEAD + STAGES.format("ProdConfig", "SECRET_KEY = os.environ['KEY']"), ["low"]),
        ("secret-key-hardcoded", HEAD + STAGES.format("ProdConfig", "DEBUG = False"), [None]),
        ("secret-key-unsafe-default", HEAD.replace(" session,", "") + FALLBACK, ["low"]),
        ("secret-key-unsafe-default", HEAD + FALLBACK + USES, [None]),
        ("secret-key-unsafe-default", HEAD + ANEW + USES, [None]),
        ("secret-key-unsafe-default", HEAD + ANEW + "app.config.update(load(open('/etc/x.yaml')))\n" + USES, ["low"]),
        ("whole-request-logged", HEAD + LOGS.format("/notes", "debug", "request.get_json()"), ["low"]),
        ("whole-request-logged", HEAD + LOGS.format("/notes", "info", "request.url"), ["low"]),
        ("whole-request-logged", HEAD + LOGS.format("/notes", "debug", "dict(request.headers)"), [None]),
        ("whole-request-logged", HEAD + LOGS.format("/login", "debug", "request.get_json()"), [None]),
        ("whole-request-logged", HEAD + HOOK.format("request.get_json()"), [None]),
        ("jwt-audience-issuer-unchecked", HEAD + DECODES.format("'K'"), [None]),
        ("jwt-audience-issuer-unchecked", HEAD + DECODES.format("'K'") + SIGNS, ["low"]),
        ("rate-limit-missing", HEAD + "@app.get('/notes')\ndef notes():\n    return 'ok'\n", ["low"]),
        ("rate-limit-missing", HEAD + "@app.post('/notes')\ndef notes():\n    return 'ok'\n", [None]),
        ("object-lookup-without-owner", HEAD + JOBS.format("Job.query.all()"), ["low", None]),
        ("object-lookup-without-owner", HEAD + JOBS.format("Job.query.filter_by(owner_id=current_user.id).all()"), [None, None]),
        ("jwt-claims-not-required", HEAD + PROVIDER.format("requests.get('https://login.example/keys', timeout=9).json()['keys'][0]"), ["low"]),
        ("jwt-claims-not-required", HEAD + PROVIDER.format("app.config['PUBLIC_KEY']"), [None]),
        ("rate-limit-key-spoofable", HEAD + LIMIT.format("request.remote_addr + request.args['room']"), ["low"]),
        ("rate-limit-key-spoofable", HEAD + LIMIT.format("request.args['room']"), [None]),
        ("secret-key-hardcoded", HEAD + REFUSED.format("app.secret_key == 'Fjord-Anker-41-Wal' and not app.debug"), ["low"]),
        ("secret-key-hardcoded", HEAD + REFUSED.format("app.config['NAME'] == 'Fjord-Anker-41-Wal'"), [None]),
        ("request-body-not-validated", HEAD + BODY, ["low"]),
        ("request-body-not-validated", HEAD + "@app.post('/x')\n" + BODY, [None]),
    ],
)  # fmt: skip
def test_a_sign_weighs_what_hangs_on_it(tmp_path: Path, slug: str, source: str, weights: list[str | None]) -> None:
    """None is the weight of the rule; ``low`` says what a person has to look at."""
    (tmp_path / "app.py").write_text(source, encoding="utf-8")
    reading = read_files(files.find((tmp_path,), tmp_path, ()), tmp_path, files.folders((tmp_path,), tmp_path))
    rule = next(one for one in load() if one.slug == slug)
    (result,) = run_detectors(reading.app, [rule])
    assert [hit.severity for hit in result.hits] == weights


SCAN = (
    "on: push\njobs:\n  scan:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: snyk/actions/python@v1.0.0\n"
    "        continue-on-error: true\n        with:\n          args: --sarif-file-output=found.sarif\n"
)
SENT_ON = "      - uses: github/codeql-action/upload-sarif@v4\n        with:\n          sarif_file: found.sarif\n"


@pytest.mark.parametrize(("behind", "weighs"), [(SENT_ON, "low"), ("      - run: ls\n", None)])
def test_a_step_weighs_less_whose_finds_are_sent_on(tmp_path: Path, behind: str, weighs: str | None) -> None:
    """Code scanning may stop a change by itself."""
    (tmp_path / ".github/workflows").mkdir(parents=True)
    (tmp_path / ".github/workflows/scan.yml").write_text(SCAN + behind, encoding="utf-8")
    (tmp_path / "app.py").write_text(HEAD, encoding="utf-8")
    reading = read_files(files.find((tmp_path,), tmp_path, ()), tmp_path, files.folders((tmp_path,), tmp_path))
    rule = next(one for one in load() if one.slug == "security-gate-cannot-fail")
    (result,) = run_detectors(reading.app, [rule])
    assert [hit.severity for hit in result.hits] == [weighs]
