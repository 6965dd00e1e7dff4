"""The application that the tests of sessions serve with several processes: ``served_sessions:app``."""

import os

from flask import Flask, request

from stopper import Stopper, browser_session, current_principal, public

app = Flask(__name__)
app.config.update(
    STOPPER_DATABASE_URL=os.environ["SERVED_DATABASE"], STOPPER_SESSION_SECRET="k9-Vt2mQ7xW4rL8zP1nB6cY3jH5sD0fG"
)
stopper = Stopper(app)


@app.post("/login")
@public
def login() -> str:
    return stopper.sessions.begin(request.args["name"]).subject


@app.route("/me", methods=["GET", "POST"])
@browser_session
def me() -> dict[str, object]:
    return {"process": os.getpid(), "subject": current_principal.subject, "body": request.form.get("text")}


@app.post("/renew")
@browser_session
def renew() -> str:
    return stopper.sessions.renew(amr=["pwd", "otp"]).subject


@app.post("/logout")
@browser_session
def logout() -> str:
    stopper.sessions.end()
    return "out"


stopper.seal()
