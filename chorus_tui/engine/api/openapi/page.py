"""The description as one page of HTML: no script, no style sheet, no picture from anywhere, readable without JavaScript."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any, Final

_STYLE: Final = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 14px/1.4 ui-monospace, monospace }
pre { overflow-x: auto; padding: .6rem; border: 1px solid #8886 }
details { border-top: 1px solid #8886; padding: .3rem 0 }
summary { cursor: pointer }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .15rem .6rem .15rem 0 }
.verb { display: inline-block; min-width: 4.5rem; font-weight: 600 }
.scope { opacity: .7; float: right }
"""


def page(document: dict[str, Any]) -> str:
    """``document`` for people."""
    info = document["info"]
    by_tag: dict[str, list[str]] = {}
    for path, verbs in document["paths"].items():
        for verb, entry in verbs.items():
            by_tag.setdefault(entry["tags"][0], []).append(_entry(verb, path, entry))
    about = {tag["name"]: tag["description"] for tag in document["tags"]}
    parts = [
        f"<h2 id='{escape(tag)}'>{escape(tag)}</h2><p>{escape(about.get(tag, ''))}</p>{''.join(entries)}"
        for tag, entries in by_tag.items()
    ]
    title = f"{info['title']} {info['version']}"
    contents = " · ".join(f"<a href='#{escape(tag)}'>{escape(tag)}</a>" for tag in by_tag)
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
        f"<meta name='viewport' content='width=device-width'><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"{_prose(info['description'])}<p>{contents} · <a href='/openapi.json'>openapi.json</a></p>{''.join(parts)}"
        f"<h2 id='schemas'>Schemas</h2>{_schemas(document['components']['schemas'])}</body></html>"
    )


def _entry(verb: str, path: str, entry: dict[str, Any]) -> str:
    rows = "".join(_parameter(parameter) for parameter in entry.get("parameters", []))
    body = entry.get("requestBody", {})
    parts = [
        _prose(entry.get("description", "")),
        f"<table>{rows}</table>" if rows else "",
        f"<p>Body: {escape(body.get('description', ''))}</p>{_example(body)}" if body else "",
        "".join(_answer(status, answer) for status, answer in entry["responses"].items() if status < "3"),
        f"<p>Refusals: {', '.join(status for status in entry['responses'] if status >= '3')}</p>",
    ]
    return (
        f"<details id='{escape(entry['operationId'])}'><summary><span class='verb'>{verb.upper()}</span>"
        f"<code>{escape(path)}</code> {escape(entry['summary'])}<span class='scope'>{escape(entry.get('x-scope', 'no token'))}</span>"
        f"</summary>{''.join(parts)}</details>"
    )


def _parameter(parameter: dict[str, Any]) -> str:
    must = ", required" if parameter.get("required") else ""
    return (
        f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{parameter['in']}{must}</td>"
        f"<td>{escape(_kind(parameter['schema']))}</td><td>{escape(parameter.get('description', ''))}</td></tr>"
    )


def _answer(status: str, answer: dict[str, Any]) -> str:
    kinds = "".join(
        f" <a href='#{escape(_name(part['schema']['$ref']))}'>{escape(_name(part['schema']['$ref']))}</a>"
        for part in answer.get("content", {}).values()
        if "$ref" in part["schema"]
    )
    return f"<p>{status}: {escape(answer['description'])}{kinds}</p>{_example(answer)}"


def _example(holder: dict[str, Any]) -> str:
    for part in holder.get("content", {}).values():
        if "example" in part:
            shown = part["example"]
            text = shown if isinstance(shown, str) else json.dumps(shown, indent=1, ensure_ascii=False)
            return f"<pre>{escape(text)}</pre>"
    return ""


def _schemas(schemas: dict[str, Any]) -> str:
    return "".join(
        f"<details id='{escape(name)}'><summary><code>{escape(name)}</code> {escape(schema.get('description', '').partition(chr(10))[0])}"
        f"</summary><pre>{escape(json.dumps(schema, indent=1, ensure_ascii=False))}</pre></details>"
        for name, schema in sorted(schemas.items())
    )


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"), ("maxLength", "at most"))
        if key in schema
    ]
    default = [f"default {json.dumps(schema['default'])}"] if "default" in schema else []
    return ", ".join([str(schema.get("type", "")), *bounds, *default])


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _prose(text: str) -> str:
    paragraphs = [escape(part) for part in text.split("\n\n") if part.strip()]
    marked = [
        re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", re.sub(r"`(.+?)`", r"<code>\1</code>", part)) for part in paragraphs
    ]
    return "".join(f"<p>{part}</p>" for part in marked)
