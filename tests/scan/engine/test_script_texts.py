"""Scripts put addresses together of parts: a crawl finds what they come to, and what is sent there."""

import pytest

from stopper.core.exchange import Response
from stopper.scan.named_routes import Named, named_routes
from stopper.scan.script_texts import written_out

APP = """const I="identity/",T="trips/api/v2/",base="/api";
const urls={LOGIN:"api/auth/login",CARS:"api/cars",WHERE:"api/cars/<carId>/location"};
const post=(u,b)=>fetch("/"+u,{method:"POST",headers:{"Content-Type":"application/json"},body:JSON.stringify(b)});
const app={login:(email,password)=>post(I+urls.LOGIN,{email,password}),cars:()=>get(I+urls.CARS),where:id=>get(I+urls.WHERE.replace("<carId>",id)),
trip:id=>get(T+"trips/"+id),past:s=>get(T+"trips/past?sort="+s),limit:(id,l)=>fetch(base+"/cards/"+id+"/limit",{method:"PUT",body:JSON.stringify({limit:l})}),
look:n=>fetch("/people/"+encodeURIComponent(n)),tell:()=>alert("a"+"b")};"""


def named(text: str, kind: str = "text/javascript") -> dict[str, Named]:
    return {one.path: one for one in named_routes(Response(200, (("Content-Type", kind),), text.encode()))}


def test_what_a_script_puts_together_is_found_with_what_it_sends() -> None:
    found = named(APP)
    assert set(found) == {
        "/identity/api/auth/login", "/identity/api/cars", "/identity/api/cars/{carId}/location", "/trips/api/v2/trips/{id}", "/trips/api/v2/trips/past",
        "/api/cards/{id}/limit", "/people/{n}",
    }  # fmt: skip
    assert found["/identity/api/auth/login"].sent.names == ("email", "password")
    assert found["/identity/api/auth/login"].method == "POST"
    assert found["/trips/api/v2/trips/past"].query == ("sort",)
    assert (found["/api/cards/{id}/limit"].method, found["/api/cards/{id}/limit"].sent.names) == ("PUT", ("limit",))


def test_scripts_of_pages_put_addresses_together_too() -> None:
    page = "<script>const api = '/api/v1'; fetch(`${api}/notes/${id}`); fetch('/notes/' + note.id + '/share')</script>"
    assert {"/api/v1/notes/{id}", "/notes/{id}/share"} <= set(named(page, "text/html"))


@pytest.mark.parametrize(
    "text",
    [
        'fetch("/" + path)',
        'const kind = "application/json", used = "lib/app.js"; load(used + kind)',
        "x = a + b; y = c + '/' + d",
        "'" + "/a" * 50_000 + "' + " * 50,
        "const a='b/" * 20_000,
        ("x+" * 50_000) + '"/y"',
    ],
    ids=["all in a name", "no addresses", "sums", "long", "unclosed", "many"],
)
def test_what_is_no_address_is_none_and_takes_no_time(text: str) -> None:
    assert not [path for path in named(text) if "json" in path or ".js" in path or path == "/{path}"]
    assert len(written_out(text)) <= max(len(text), 400_000)
