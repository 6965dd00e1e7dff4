"""The Model Context Protocol server of `stopper mcp`: names, descriptions and threads round the functions of an Agent."""

import functools
import json
from collections.abc import Callable
from typing import Literal, ParamSpec

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from stopper import __version__
from stopper.cli.agent_tools import Agent, Answer
from stopper.cli.group import said
from stopper.core.redactor import mask

P = ParamSpec("P")
INSTRUCTIONS = (
    "Stopper finds where a Flask API leaks and says how to close it. Begin with check_source (nothing is run) or audit_app"
    " (imports the app, works on a copy of its database). explain_rule tells what a finding means; after a change, verify_fix"
    " tells whether it is gone. Answers never hold secrets: *** stands instead."
)


async def _answered(ask: Callable[P, Answer | str], *args: P.args, **kwargs: P.kwargs) -> str:
    """Ask in a thread, so that the protocol goes on; an error is one line, as on the command line."""
    try:
        found = await anyio.to_thread.run_sync(functools.partial(ask, *args, **kwargs))
    except Exception as wrong:  # noqa: BLE001 - the rim: an agent gets one line, never a traceback
        raise ToolError(mask(said(wrong)[0])) from None
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False, indent=1)


def server_of(agent: Agent) -> MCPServer:
    """The server over *agent*, ready to run."""
    server: MCPServer = MCPServer("stopper", instructions=INSTRUCTIONS, version=__version__, log_level="ERROR")

    @server.tool(
        description="Read Flask source below the project folder and report every weakness with file and line. Runs nothing."
    )
    async def check_source(path: str = ".", select: list[str] | None = None, ignore: list[str] | None = None) -> str:
        return await _answered(agent.check, path, tuple(select or ()), tuple(ignore or ()))

    @server.tool(
        description="Probe a running API (loopback, or a host allowed at the start). mode: passive, default (may log in) or active (may write)."
    )
    async def scan_api(
        url: str,
        mode: Literal["passive", "default", "active"] = "default",
        spec: str | None = None,
        select: list[str] | None = None,
    ) -> str:
        return await _answered(agent.scan, url, mode, spec, tuple(select or ()))

    @server.tool(
        description="Import MODULE:APP, read its source, probe it in process on a copy of its database, and join both: findings with line and proof."
    )
    async def audit_app(
        app: str, mode: Literal["passive", "default", "active"] = "default", select: list[str] | None = None
    ) -> str:
        return await _answered(agent.audit, app, mode, tuple(select or ()))

    @server.tool(description="Explain a rule: the weakness, a bad and a good app, the mend.")
    async def explain_rule(rule: str) -> str:
        return await _answered(agent.explain, rule)

    @server.tool(description="List every rule with severity and check.")
    async def list_rules() -> str:
        return await _answered(agent.rules)

    @server.tool(
        description="After a change: is this one weakness gone? With app (MODULE:APP) it is probed too; fixed is true, false, or null when it could not be told."
    )
    async def verify_fix(rule: str, path: str = ".", app: str | None = None) -> str:
        return await _answered(agent.verify_fix, rule, path, app)

    @server.tool(description="Every route and method of MODULE:APP, who may pass it and how that is known.")
    async def access_table(app: str) -> str:
        return await _answered(agent.access, app)

    return server
