"""An API whose callers are known by keys: the scan takes one where a tenant is made, and another when it has made its own worthless."""

import secrets
from typing import Any

import pytest
from flask import Flask, jsonify, request

from stopper.core.app import App, Reader, Route
from stopper.core.probe import Identity, Target
from stopper.scan.people.identities import Scene, gather
from stopper.scan.people.renewal import Renewals
from stopper.scan.surface.honest import HonestRequests
from stopper.scan.tokens.forge import TokenForge
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.wsgi import WsgiTransport

WIRE: frozenset[Reader] = frozenset({"wire"})


def desk(keys: set[str], wants: tuple[str, ...]) -> Flask:
    app = Flask("desk")

    @app.post("/v1/tenants")
    def made() -> Any:
        sent = request.get_json()
        for name in wants:
            if name not in sent:
                return jsonify(error=f"'{name}'"), 500
        keys.add(key := f"dk_{secrets.token_hex(12)}")
        return jsonify(tenant_id=len(keys), api_key=key), 201

    @app.get("/v1/tickets")
    def tickets() -> Any:
        if request.headers.get("X-Api-Key") not in keys:
            return jsonify(error="Provide a valid X-Api-Key"), 401
        return jsonify([])

    return app


def scene_of(app: Flask, mode: Any = "active") -> Scene:
    routes = (Route("/v1/tenants", ("POST",), readers=WIRE), Route("/v1/tickets", ("GET",), readers=WIRE))
    courier = Courier(WsgiTransport(app), mode=mode)
    return Scene(App(routes=routes), courier, HonestRequests(canary="stpcanary1"), "stpcanary1")


def shown_by(person: Identity) -> str:
    return dict(person.headers)["X-API-Key"].reveal()


@pytest.mark.parametrize("wants", [("company", "contact"), ("name",)], ids=["told by errors", "usual"])
def test_a_key_is_taken_where_a_tenant_is_made(wants: tuple[str, ...]) -> None:
    keys = set[str]()
    people, _ = gather(scene_of(desk(keys, wants)), ())
    shown = [shown_by(one) for one in people]
    assert [one.name for one in people] == ["alice", "bob"]
    assert set(shown) <= keys
    assert len(set(shown)) == 2


def test_only_an_active_scan_takes_a_key() -> None:
    keys = set[str]()
    assert gather(scene_of(desk(keys, ()), "default"), ())[0] == ()
    assert not keys


def test_who_has_lost_the_key_takes_another() -> None:
    keys = set[str]()
    scene = scene_of(desk(keys, ("name",)))
    people, _ = gather(scene, ())
    renewals = Renewals(scene, people, TokenForge().claims)
    target = Target(
        scene.app, "wsgi", "http://localhost", "active", "standard", TokenForge(), scene.honest, people, scene.canary
    )
    keys.discard(shown_by(people[0]))
    scene.courier.changes += 1
    again = renewals.ready(target, ask=True).identities
    assert shown_by(again[0]) in keys
    assert not renewals.lost
