"""Where a live API keeps its OpenAPI document."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from stopper.core.app import Route, Spec
from stopper.core.errors import IncompleteError, UsageError
from stopper.core.exchange import Request
from stopper.core.probe import Skipped
from stopper.scan.spec.read import read_spec
from stopper.scan.wire.courier import Courier
from stopper.scan.wire.http import HttpTransport, read_origin

USUAL: Final = (
    "/openapi.json", "/swagger.json", "/openapi.yaml", "/openapi.yml", "/swagger.yaml", "/api/openapi.json", "/api/swagger.json",
    "/.well-known/openapi.json", "/.well-known/openapi.yaml", "/docs/openapi.json", "/api/docs/openapi.json", "/v1/openapi.json",
    "/api/v1/openapi.json", "/apispec.json", "/apispec_1.json", "/api-docs", "/swagger/v1/swagger.json", "/static/openapi.json",
    "/static/swagger.json", "/static/openapi.yaml", "/static/swagger.yaml", "/api/openapi.yaml", "/api/openapi.yml", "/api/v1/swagger.json", "/api/spec", "/spec",
    "/api-spec.json", "/spec.json", "/api/spec.json", "/docs/spec.json", "/docs/swagger.json", "/doc/openapi.json", "/v2/openapi.json", "/v1.0/openapi.json",
    "/api/v2/openapi.json",
)  # fmt: skip


def given_spec(place: str, timeout: float) -> tuple[Spec, tuple[Route, ...]]:
    """The document at a path or URL that the user named. Raises UsageError when there is none or it is unreadable."""
    if place.startswith(("http://", "https://")):
        return read_spec(_fetched(place, timeout), place)
    try:
        text = Path(place).read_text(encoding="utf-8-sig")
    except IsADirectoryError:
        raise UsageError(f"{place} is a folder; name the OpenAPI document in it") from None
    except UnicodeDecodeError:
        raise UsageError(f"{place} is not text; give an OpenAPI document") from None
    except OSError as wrong:
        raise UsageError(f"{place} cannot be read: {(wrong.strerror or 'unreadable').lower()}") from None
    return read_spec(text, place)


def _fetched(url: str, timeout: float) -> str:
    origin = read_origin(url)
    try:
        transport = HttpTransport(f"{origin.scheme}://{origin.authority}")
    except IncompleteError as wrong:
        raise UsageError(f"the OpenAPI document cannot be fetched: {wrong}") from None
    try:
        target = url.partition("://")[2].partition("/")[2]
        response = transport.send(
            Request("GET", "/" + target, (("Accept", "application/json, application/yaml"),)), timeout
        )
    finally:
        transport.close()
    if response.error or not response.succeeded:
        raise UsageError(
            f"{url} does not give an OpenAPI document: {response.error or f'it answers {response.status}'}"
        )
    if response.truncated:
        raise UsageError(f"{url} is larger than 1 MiB; save it and give the file with --spec")
    return response.text


def served_spec(courier: Courier, routes: Iterable[Route]) -> tuple[Spec, tuple[Route, ...]] | None:
    """The document of an application whose routes are known: nothing is asked where it serves none at a usual place."""
    return found_spec(courier, places=[route.path for route in routes if route.path in USUAL])


def found_spec(
    courier: Courier, prefix: str = "", places: Iterable[str] = USUAL
) -> tuple[Spec, tuple[Route, ...]] | None:
    """The document at one of the usual places, or None."""
    for place in places:
        try:
            response = courier.carry(Request("GET", prefix + place, (("Accept", "application/json"),))).response
            if response.succeeded and not response.truncated:
                return read_spec(response.text, prefix + place)
        except (Skipped, UsageError):
            continue
    return None
