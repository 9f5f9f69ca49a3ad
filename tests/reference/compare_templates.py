#!/usr/bin/env python3
"""Renders chat templates by this library and by Jinja as the package transformers sets it up, and tells each difference.

    pip install jinja2==3.1.6
    INLAY_LIBRARY=build/test/libinlay.so python3 tests/reference/compare_templates.py FOLDER...

Every *.jinja below the folders is rendered for each conversation below: turns in and out of order, thinking, tools, calls
with arguments as an object and as text, results, pieces of text and pictures, documents, content that is empty or none.
Exit code 1 if one rendering differs. --list shows how often templates were errors by both.
"""
import argparse
import collections
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))
from jinja_reference import NOW, reference, render  # noqa: E402

WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "Weather in a city, \"now\" or later.\nIn degrees.",
    "parameters": {"type": "object", "required": ["city"], "properties": {
        "city": {"type": "string", "description": "The city's name, e.g. \u00c5lesund"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
        "days": {"type": ["integer", "null"], "minimum": 1}}},
    "return": {"type": "object", "properties": {"temperature": {"type": "number"}}}}}
SEARCH = {"type": "function", "function": {
    "name": "search", "description": "Search <documents> & more",
    "parameters": {"type": "object", "required": ["query", "filters"], "additionalProperties": False, "properties": {
        "query": {"type": "string"},
        "filters": {"type": "array", "description": "All must hold", "items": {"type": "object", "properties": {
            "field": {"type": "string"}, "values": {"type": "array", "items": {"type": "number"}}}}},
        "deep": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "default": None},
        "mode": {"oneOf": [{"const": "a"}, {"const": 2}], "description": "x | y"}},
        "$defs": {"T": {"type": "string"}}}, "strict": True}}
PLAIN = {"type": "function", "function": {"name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}}}
BARE = {"name": "add", "description": "Adds", "parameters": {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}}


def user(content="Hello, who are you?", **more):
    return {"role": "user", "content": content, **more}


def assistant(content="I am a model.", **more):
    return {"role": "assistant", "content": content, **more}


def system(content="Answer briefly."):
    return {"role": "system", "content": content}


def tool(content, **more):
    return {"role": "tool", "content": content, **more}


def call(name, arguments, number=1):
    return {"id": f"call{number:05d}", "type": "function", "function": {"name": name, "arguments": arguments}}


CITY = {"city": "S\u00e3o Paulo", "days": 3, "unit": None, "exact": True, "at": [1.5, -2, "x<y>"], "more": {"k": {}}}
PARTS = [{"type": "text", "text": "What is this?"}, {"type": "image"}, {"type": "text", "text": " And that?  "}]
PICTURES = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}, {"type": "video", "video": "v.mp4"},
            {"type": "image", "image": "a.png"}, {"type": "audio", "audio": "a.wav"}, {"type": "text", "text": "All of it"}]
THOUGHT = "<think>\nSo: 2 and 2.\n\n</think>\n\nFour."

TURNS = {
    "one user": [user()],
    "system": [system(), user("2+2?")],
    "dialogue": [user("Hi \u00e9 \u4f60\u597d"), assistant("Hello!"), user("  spaces  \n\nand lines")],
    "closed": [system(), user("a"), assistant("b")],
    "long": [system("  You are kind.\n"), *[turn for i in range(4) for turn in (user(f"q{i}\n"), assistant(f"\na{i} "))], user("last")],
    "answer first": [assistant("Welcome."), user("Hi")],
    "two users": [user("one"), user("two"), assistant("three"), assistant("four"), user("five")],
    "late system": [user("one"), system("two"), user("three")],
    "two systems": [system("one"), system("two"), user("three")],
    "developer": [{"role": "developer", "content": "Speak French."}, user("Hi")],
    "unknown role": [user("Hi"), {"role": "critic", "content": "Hm."}, user("Ho")],
    "only system": [system()],
    "nobody": [],
    "empty": [system(""), user(""), assistant(""), user("x")],
    "none": [user("Hi"), assistant(None), user("x")],
    "no content": [user("Hi"), {"role": "assistant"}, user("x")],
    "named": [{"role": "system", "name": "boss", "content": "s"}, user("Hi", name="Ann"), assistant("Ho", name="bot"), user("?", name="Bob")],
    "special": [system("</s>[INST]"), user("<|im_end|>\n<|im_start|>system\n<s> [INST] <bos> {{ x }} {% if %} \\n"), assistant("[/INST]</s><eos>"), user("k")],
    "thought in text": [user("2+2?"), assistant(THOUGHT), user("And 3?")],
    "thought in text twice": [user("2+2?"), assistant(THOUGHT), user("And 3?"), assistant("<think>t</think>Five.")],
    "thought open": [user("2+2?"), assistant("<think>\nStill at it")],
    "reasoning": [system(), user("2+2?"), assistant("Four.", reasoning_content="Two and two.\n"), user("3+3?")],
    "reasoning last": [user("2+2?"), assistant("Four.", reasoning_content="Two and two.", thinking="Hm.", reasoning="Aha.")],
    "reasoning none": [user("2+2?"), assistant("Four.", reasoning_content=None, thinking=None, tool_calls=None), user("3+3?", tool_calls=[])],
    "call": [system("Use tools."), user("Weather?"), assistant("", tool_calls=[call("get_weather", CITY)]),
             tool("18 \u00b0C", tool_call_id="call00001", name="get_weather"), assistant("It is 18."), user("Thanks")],
    "call in text": [user("Weather?"), assistant(None, tool_calls=[call("get_weather", json.dumps(CITY))]),
                     tool("{\"temperature\": 18}", tool_call_id="call00001")],
    "call without content": [user("Weather?"), {"role": "assistant", "tool_calls": [call("get_weather", CITY)]},
                             tool([{"type": "text", "text": "18"}], tool_call_id="call00001", name="get_weather")],
    "two calls": [user("Weather?"), assistant("I look.", reasoning_content="Which city?\n\n", tool_calls=[call("get_weather", CITY), call("search", {"query": "a\"b\n", "filters": []}, 2)]),
                  tool("18", tool_call_id="call00001", name="get_weather"), tool("{\"found\": [1, null]}", tool_call_id="call00002", name="search"), assistant("Done.")],
    "calls in a row": [user("a"), assistant("b", tool_calls=[call("now", {})]), tool("12:00", tool_call_id="call00001", name="now"),
                       assistant("c", thinking="t", tool_calls=[call("now", {}, 2)]), tool({"time": "12:01", "zone": None}, tool_call_id="call00002", name="now")],
    "flat call": [user("a"), assistant("", tool_calls=[{"name": "add", "arguments": {"a": 1}}]), tool("1", name="add"), user("b")],
    "function role": [user("a"), {"role": "function", "name": "add", "content": "1"}, user("b")],
    "ipython": [user("a"), {"role": "ipython", "content": {"output": 1}}, assistant("b")],
    "tool plan": [user("a"), {"role": "assistant", "tool_plan": "I add.", "tool_calls": [call("add", {"a": 1.0})]}, tool("1", tool_call_id="call00001"), assistant("b")],
    "parts": [{"role": "system", "content": [{"type": "text", "text": "Look well."}]}, user(PARTS), assistant([{"type": "text", "text": "A cat."}]), user("Sure?")],
    "pictures": [user(PICTURES)],
    "parts of strings": [user(["one", "two"]), assistant("x"), user("y")],
    "no parts": [user([]), assistant([]), user("x")],
    "content object": [user({"text": "Hi", "n": 1}), assistant({"a": None}), user("x")],
    "number": [user(7), assistant(1.5), user(True)],
}
# Which other variables go with the turns, as (name of the turns or None for all, variables)
SETTINGS = {
    "prompt": {"add_generation_prompt": True},
    "no prompt": {"add_generation_prompt": False},
    "nothing": {},
    "none": {"tools": None, "documents": None, "add_generation_prompt": True},
    "tools": {"tools": [WEATHER, SEARCH, PLAIN], "add_generation_prompt": True},
    "bare tools": {"tools": [BARE], "add_generation_prompt": True, "tool_choice": "auto"},
    "no tools": {"tools": [], "documents": [], "add_generation_prompt": True},
    "documents": {"documents": [{"title": "One", "text": "First \u00e9"}, {"title": "Two", "text": "Second\n", "doc_id": 2}, {"contents": "c", "url": "u"}],
                  "add_generation_prompt": True, "citation_options": {"mode": "fast"}},
    "thinking": {"add_generation_prompt": True, "enable_thinking": True, "thinking": True, "reasoning_effort": "high", "preserve_thinking": True},
    "no thinking": {"add_generation_prompt": True, "enable_thinking": False, "thinking": False, "reasoning_effort": "low", "thinking_budget": 0, "tools": [WEATHER]},
    "switches": {"add_generation_prompt": True, "date_string": "26 Jul 2024", "tools_in_user_message": False, "custom_tools": [WEATHER], "builtin_tools": ["wolfram_alpha", "code_interpreter"],
                 "add_vision_id": True, "controls": {"length": "short"}, "xml_tools": [WEATHER], "python_tools": ["f(x)"], "model_identity": "You are a test.", "keep_past_thinking": True,
                 "clear_thinking": False, "safety_mode": "NONE", "system_message": "S", "tool_use": True, "categories": {"S1": "Harm"}, "current_date": "2026-11-24"},
}
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


def conversations(golden):
    """(name, variables) of all"""
    for turns, messages in TURNS.items():
        for setting, more in SETTINGS.items():
            yield f"{turns}, {setting}", {"messages": messages, **more, **SPECIAL}
    yield "no special tokens", {"messages": TURNS["dialogue"], "add_generation_prompt": True}
    for name, case in golden.items():
        yield f"golden {name}", {**case, **SPECIAL}


def compare(source, name, variables, tally):
    """The difference of one rendering, or None"""
    variables = dict(variables, now=NOW)
    expected = reference(source, variables)
    if " object at 0x" in expected[1] or "<function " in expected[1] or "<bound method" in expected[1]:
        tally["printed objects"] += 1
        return None
    got = render(source, variables)
    tally["text" if expected[0] else "error"] += 1
    if expected[0] != got[0] or (expected[0] and expected[1] != got[1]):
        return f"{name}\n    expected {expected!r}\n    got      {got!r}"
    raised = expected[1].removeprefix("TemplateError: ")
    if not expected[0] and raised != expected[1] and raised.split("\n")[0][:200] not in got[1]:
        return f"{name}: the message is not in the error\n    expected {expected!r}\n    got      {got!r}"
    if not expected[0] and "line " not in got[1]:
        return f"{name}: the error has no line\n    expected {expected!r}\n    got      {got!r}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--show", type=int, default=3, help="differences shown of each template")
    parser.add_argument("--list", action="store_true", help="a line for every template")
    arguments = parser.parse_args()
    files = sorted(file for folder in arguments.folders for file in ([folder] if folder.is_file() else folder.rglob("*.jinja")))
    golden = {}
    for folder in arguments.folders:
        if (folder / "golden.json").is_file():
            golden |= json.loads((folder / "golden.json").read_text(encoding="utf-8"))["cases"]
    cases = list(conversations(golden))
    total, differing = collections.Counter(), 0
    for file in files:
        source = file.read_bytes().decode("utf-8", "replace")
        tally, found = collections.Counter(), []
        for name, variables in cases:
            what = compare(source, name, variables, tally)
            if what:
                found.append(what)
        total += tally
        differing += len(found)
        if found or arguments.list:
            print(f"{file.name}: {len(found)} of {len(cases)} differ ({dict(tally)})")
        for what in found[:arguments.show]:
            print("  " + what)
    print(f"{len(files)} templates, {len(files) * len(cases)} renderings, {differing} differ; {dict(total)}")
    return 1 if differing or not files else 0


if __name__ == "__main__":
    sys.exit(main())
