"""How the source talks to language models: one table of the libraries' names, and what of a call is the prompt."""

import re
from collections.abc import Iterator
from typing import Final

from stopper.core.facts import SourceFacts
from stopper.core.values import Call, Constant, Mapping, Member, Name, Sequence, Unknown, Value, text_of, walk

HOMES: Final = (
    "openai", "anthropic", "litellm", "cohere", "ollama", "google.generativeai", "google.genai", "mistralai", "groq", "together", "replicate",
    "langchain", "langchain_openai", "langchain_core", "langchain_anthropic", "langchain_community", "transformers", "vertexai", "boto3", "huggingface_hub",
    "agents", "pydantic_ai", "crewai", "llama_index", "smolagents",
)  # fmt: skip
_CALLS: Final = (
    r"(?!langchain[\w.]*OutputParser\.)(?:openai|anthropic|litellm|cohere|ollama|google\.generativeai|google\.genai|mistralai|groq|together|replicate|langchain\w*|transformers|vertexai|huggingface_hub)"
    r"(?:\.\w+)*\.(?:create|acreate|parse|stream|completion|acompletion|chat|generate|generate_content|generate_text|a?invoke|a?stream|a?predict(?:_messages)?|agenerate|complete|run|chat_completion|text_generation)"
    r"|langchain\w*(?:\.\w+)*\.(?:Chat\w+|\w*OpenAI|\w*LLM|Anthropic|Ollama|LLMChain)\.__call__"
    r"|transformers\.pipeline\.__call__"
)
_BY_ATTRIBUTE: Final = re.compile(
    r"(?:.*\.)?(?:chat\.completions|completions|messages|responses)\.(?:create|parse|stream)|(?:.*\.)?generate_content"
)
_HOSTS: Final = re.compile(
    r"https?://(?:api\.(?:openai|anthropic|mistral|groq|cohere|together)\.\w+|generativelanguage\.googleapis\.com|[\w.-]*openai\.azure\.com|openrouter\.ai|(?:localhost|127\.0\.0\.1|ollama):11434)"
)
_DOORS: Final = re.compile(r"/(?:chat/completions|completions|responses|messages|api/(?:chat|generate))/?$")
LENGTHS: Final = (
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "max_new_tokens",
    "max_length",
    "max_tokens_to_sample",
    "num_predict",
    "maxOutputTokens",
    "generation_config",
    "config",
    "options",
)
SYSTEM: Final = ("system", "instructions", "system_instruction", "system_prompt", "preamble", "developer")
PROVIDER_KEY: Final = re.compile(
    r"\b(?:sk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{20,}|gsk_[A-Za-z0-9]{20,}|AIza[A-Za-z0-9_-]{35}|hf_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,})"
)
KEY_NAME: Final = re.compile(
    r"(?i)(openai|anthropic|claude|gemini|google_?ai|cohere|mistral|groq|huggingface|hf|replicate|together|llm|azure_openai)\w*(key|token|secret)"
)


_AGENTS: Final = re.compile(
    r"(?:agents\.Runner|pydantic_ai\.Agent|crewai\.Crew|smolagents\.\w+)\.(?:run|run_sync|run_streamed|run_stream|kickoff)|llama_index(?:\.\w+)*\.(?:query|chat|complete)"
)
"""Frameworks that ask a model as often as they like."""
_BEDROCK: Final = ("*.invoke_model", "*.invoke_model_with_response_stream", "*.converse", "*.converse_stream")


def talks_to_models(facts: SourceFacts) -> bool:
    """That the project imports one of the libraries, or names a provider's address."""
    return facts.imports(*HOMES) or any(True for _ in _by_http(facts))


def model_calls(facts: SourceFacts) -> Iterator[Call]:
    """The calls that ask a model."""
    return iter(facts.once("calls of models", lambda: tuple(_model_calls(facts))))


def _model_calls(facts: SourceFacts) -> Iterator[Call]:
    seen: set[int] = set()
    if facts.imports(*HOMES):
        for call in facts.calls_matching(_CALLS):
            if id(call) not in seen:
                seen.add(id(call))
                yield call
        for call in _handed_on(facts):
            if id(call) not in seen:
                seen.add(id(call))
                yield call
        for call in facts.calls("*.create", "*.parse", "*.stream", "*.generate_content"):
            if id(call) not in seen and _BY_ATTRIBUTE.fullmatch(_written(call)):
                seen.add(id(call))
                yield call
        for call in (
            *facts.calls_matching(_AGENTS.pattern),
            *(facts.calls(*_BEDROCK) if facts.imports("boto3") else ()),
        ):
            if id(call) not in seen:
                seen.add(id(call))
                yield call
    for call in facts.calls("*.invoke", "*.ainvoke", "*.stream", "*.astream") if facts.imports(*HOMES) else ():
        if id(call) not in seen and _is_chain(call.receiver):
            yield call
    yield from _by_http(facts)


_OWN: Final = re.compile(
    r"(?i)(?:\w+\.)*\w*(?:llm|gpt|language_?model|chat_?model|openai|claude|gemini|mistral)\w*\."
    r"(?:inference|infer|complete|completion|chat|generate\w*|ask\w*|prompt|invoke|predict|query|respond|answer)"
)


def asks_by_name(facts: SourceFacts, call: Call) -> bool:
    """``LLM(name).inference(prompt)``: a class of the project by whose name a model is asked, whichever of several clients it picks."""
    return _OWN.fullmatch(call.callee) is not None and facts.function(call.callee) is not None


_RUNS: Final = re.compile(
    r"(?i)(?:.*\.)?(?:\w*(?:execute|run|call|retry|invoke|submit|with_timeout|with_backoff|to_thread|spawn|partial|attempt)\w*)"
)


def _handed_on(facts: SourceFacts) -> Iterator[Call]:
    """``run_in_thread(client.chat.completions.create, model=…)``: the function that asks is handed to one that runs it."""
    for call in facts.calls():
        first = call.args[0] if call.args else None
        said = first.dotted if isinstance(first, Name) else _chain(first) if isinstance(first, Member) else ""
        if said and (re.fullmatch(_CALLS, said) or _BY_ATTRIBUTE.fullmatch(said)) and _RUNS.fullmatch(call.callee):
            yield call


def _chain(value: Member) -> str:
    """``chat.completions.create`` of an object of whatever class."""
    words: list[str] = []
    owner: Value = value
    while isinstance(owner, Member):
        words.append(owner.attribute)
        owner = owner.owner
    return ".".join(reversed(words))


def _is_chain(value: Value | None) -> bool:
    """``prompt | model``: steps that LangChain runs one after the other."""
    return isinstance(value, Unknown) and any(
        isinstance(part, Call) and part.callee.startswith("langchain") for part in value.parts
    )


def _written(call: Call) -> str:
    """The attribute chain of a call on an object of unknown class."""
    words = [call.method]
    owner = call.receiver
    while isinstance(owner, Member):
        words.append(owner.attribute)
        owner = owner.owner
    if isinstance(owner, Name):
        words.append(owner.dotted)
    return ".".join(reversed(words)) if len(words) > 1 else call.callee


def _by_http(facts: SourceFacts) -> Iterator[Call]:
    for call in facts.calls("*.post", "*.stream", "*.request", "urllib.request.Request"):
        if call.callee == "urllib.request.Request" and call.lacks(1, "data"):
            continue  # nothing is sent: a list of models is read
        if _is_of_provider(call) or _is_asked_like_one(call):
            yield call


def _is_of_provider(call: Call) -> bool:
    """That the address, or the one that the client was made with, is a provider's."""
    client = call.receiver
    based = client.keyword("base_url") if isinstance(client, Call) else None
    return any(
        isinstance(part, Constant) and isinstance(part.value, str) and _HOSTS.match(part.value)
        for value in (_address(call), based)
        for part in walk(value, 3)
    )


def _is_asked_like_one(call: Call) -> bool:
    """``post(BASE + "/chat/completions", json={"model": …, "messages": […]})``, wherever that is."""
    body = payload(call)
    if not isinstance(body, Mapping) or body.get("model") is None:
        return False
    return any(body.get(key) is not None for key in ("messages", "prompt", "input")) and any(
        _DOORS.search(text) for part in walk(_address(call), 3) if (text := text_of(part))
    )


def _address(call: Call) -> Value | None:
    """Of ``post(url)``, and of ``stream("POST", url)`` and ``request("POST", url)``."""
    return call.argument(1 if call.method in ("stream", "request") else 0, "url")


def payload(call: Call) -> Value | None:
    """The JSON that a call by plain HTTP sends; None for a library's call."""
    by_http = call.method in ("post", "request") or call.callee.startswith(("requests.", "httpx.", "urllib."))
    return call.keyword("json", "data") if by_http else None


def said(call: Call, *names: str) -> Value | None:
    """A keyword of the call, or the member of the JSON that it sends."""
    found = call.keyword(*names)
    body = payload(call)
    if found is None and isinstance(body, Mapping):
        found = next((value for name in names if (value := body.get(name)) is not None), None)
    return found


def _told(call: Call, facts: SourceFacts | None) -> Iterator[Value]:
    """What the call tells the model, and what it is inside a function of the project that puts it together."""
    told = said(call, "messages", "input", "contents") or (call.args[0] if call.args else None)
    for part in walk(told, 6):
        yield part
        if facts is not None and isinstance(part, Call) and facts.function(part.callee) is not None:
            for one in facts.returns_of(part.callee):
                yield from walk(one.value, 6)


def messages(call: Call, facts: SourceFacts | None = None) -> Iterator[tuple[str, Value]]:
    """Role and content of each message that stands visibly in the call; with *facts* also in a function that makes them."""
    for part in _told(call, facts):
        if isinstance(part, Mapping) and (content := part.get("content") or part.get("parts")) is not None:
            yield (text_of(part.get("role")) or ""), content
        elif (
            isinstance(part, Sequence)
            and len(part.items) == 2
            and text_of(part.items[0]) in ("system", "human", "ai", "user")
        ):
            yield text_of(part.items[0]) or "", part.items[1]
        elif (
            isinstance(part, Call)
            and part.method in ("SystemMessage", "HumanMessage")
            and (content := part.argument(0, "content"))
        ):
            yield ("system" if part.method == "SystemMessage" else "user"), content


def prompts(call: Call) -> Iterator[Value]:
    """Everything that the call tells the model."""
    yield from (
        value
        for name in (*SYSTEM, "prompt", "input", "messages", "contents", "message")
        if (value := said(call, name)) is not None
    )
    if call.args and payload(call) is None:
        yield call.args[0]
