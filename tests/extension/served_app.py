"""The application that the raw-socket tests serve with real servers: ``served_app:app``."""

from flask import Flask, Response, request

from stopper import Issuer, Secret, Stopper, bearer, current_principal, public
from stopper.auth.verification_key import VerificationKey

# The values of tests/auth/token_smith.py; the server runs without the tests on its path.
_KEY = VerificationKey.from_secret("k", "HS256", Secret(b"\x01\x9f" + bytes(range(100, 162))))

app = Flask(__name__)
stopper = Stopper(app, issuers=[Issuer("https://issuer.example", ["HS256"], keys=_KEY, audience="https://api.example")])


@app.get("/public")
@public
def open_to_all() -> str:
    return "open"


@app.route("/guarded", methods=["GET", "POST", "OPTIONS"])
@bearer
def guarded() -> str:
    return f"VIEW RAN for {current_principal.subject} {request.method}"


@app.get("/admin/<path:rest>")
@bearer
def admin(rest: str) -> str:
    return f"VIEW RAN for {rest}"


@app.get("/async")
@bearer
async def later() -> str:
    return f"VIEW RAN for {current_principal.subject} async"


@app.get("/stream")
@bearer
def stream() -> Response:
    who = current_principal.subject
    return Response((f"VIEW RAN for {who} {number}\n" for number in range(3)), mimetype="text/plain")


stopper.seal()
