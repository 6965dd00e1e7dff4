"""What the servers of test_limits_on_servers.py serve; its settings come from the environment."""

from flask import Flask

from stopper import Stopper, limit, public

app = Flask("served")
stopper = Stopper(app)
app.add_url_rule("/few", "few", limit("50/hour", by="address")(public(lambda: "few")))
app.add_url_rule("/slide", "slide", limit("50/hour sliding", by="address")(public(lambda: "slide")))
stopper.seal()
