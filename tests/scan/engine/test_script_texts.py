"""Scripts put addresses together of parts: a crawl finds what they come to, and what is sent there."""

import pytest

from stopper.core.exchange import Response
from stopper.scan.surface.named_routes import Named, named_routes
from stopper.scan.surface.script_texts import written_out

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
        """const api = (m, p, b) => fetch('/api' + p, {method: m, body: b && JSON.stringify(b)}).then(r => r.json());
        const join = (name, password) => api('POST', '/people', {name, password}); const self = () => api('GET', '/people/self');
        const one = id => api('GET', `/notes/${id}`); const change = (id, text) => api('PUT', `/notes/${id}`, {text});""",
        """const http = axios.create({ timeout: 5, baseURL: '/api' }); http.post('/people', { name: n, password: p }); http.get('/people/self');
        http.get('/notes/' + id); http.put(`/notes/${id}`, { text: t });""",
        """class Api { constructor() { this.base = 'http://localhost:5000/api'; } async request(path, options = {}) {
        const r = await fetch(`${this.base}${path}`, { headers: {'X-A': 1}, ...options }); return r.json(); }
        join(name, password) { return this.request('/people', { method: 'POST', body: JSON.stringify({ name, password }) }); }
        self() { return this.request('/people/self'); } one(id) { return this.request(`/notes/${id}`); }
        change(id, text) { return this.request('/notes/' + id, { method: 'PUT', body: JSON.stringify({ text }) }); } }""",
        """const BASE = '/api'; async function call(method, path, data) { const r = await fetch(BASE + path, { method, body: JSON.stringify(data) }); return r.json() }
        const get = p => call('GET', p), post = (p, d) => call('POST', p, d); post('/people', { name, password }); get('/people/self'); get('/notes/' + id);
        call('PUT', '/notes/' + id, { text: t })""",
    ],
    ids=["a function", "axios", "a class", "functions of a function"],
)
def test_functions_that_ask_for_a_script_are_followed(text: str) -> None:
    told = named_routes(Response(200, (("Content-Type", "text/javascript"),), text.encode()))
    found = {(one.method or "GET", one.path): one.sent.names for one in told}
    assert found[("POST", "/api/people")] == ("name", "password")
    assert found[("PUT", "/api/notes/{id}")] == ("text",)
    assert {("GET", "/api/people/self"), ("GET", "/api/notes/{id}")} <= set(found)
    assert not any(path.startswith(("/people", "/notes")) for _, path in found)


@pytest.mark.parametrize(
    "text",
    [
        'fetch("/" + path)',
        'const kind = "application/json", used = "lib/app.js"; load(used + kind)',
        "x = a + b; y = c + '/' + d",
        "'" + "/a" * 50_000 + "' + " * 50,
        "const a='b/" * 20_000,
        ("x+" * 50_000) + '"/y"',
        "fetch(" * 40_000,
        "const a = b => fetch('/api' + b);" + "a('/x.js', {y: 1});" * 10_000,
    ],
    ids=["all in a name", "no addresses", "sums", "long", "unclosed", "many", "open brackets", "many calls"],
)
def test_what_is_no_address_is_none_and_takes_no_time(text: str) -> None:
    assert not [path for path in named(text) if "json" in path or ".js" in path or path == "/{path}"]
    assert len(written_out(text)) <= max(len(text), 400_000)
