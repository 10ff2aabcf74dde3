"""Read a rules file, or say in one line what is wrong with it."""

from __future__ import annotations

import hashlib
import re
import reprlib
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, NoReturn

import yaml

from jobs.access_logs.paths import ANY
from jobs.access_logs.routes import Funnel, Route, Rules, RulesError

DAY_US = 86_400_000_000
DEFAULT_WINDOW_DAYS = 14
MAX_RULES_BYTES = 262_144
_STATUSES = range(100, 600)
_BELOW_400 = ((0, 400),)

_METHOD = re.compile(r"[A-Z][A-Z-]{0,31}")
_NAME = re.compile(r"[^\W\d][\w.:-]{0,99}")
_PART = re.compile(r"\{([a-z][a-z0-9_]*)(\.\.\.)?\}")


class RulesFile:
    """One rules file. ``where`` is the place of a value: keys and numbers from the top of the file."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name
        self.tree: yaml.Node | None = None

    def rules(self) -> Rules:
        """Check everything and give it as values. Raises RulesError."""
        size = len(self.text.encode("utf-8", "surrogatepass"))
        if size > MAX_RULES_BYTES:
            raise RulesError(f"{self.name}: wanted at most {MAX_RULES_BYTES} bytes, found {size}")
        try:
            self.tree = yaml.compose(self.text, Loader=yaml.SafeLoader)
            loaded = yaml.safe_load(self.text)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = f", line {mark.line + 1}" if mark else ""
            raise RulesError(f"{self.name}{line}: not YAML: {_one_line(error.problem)}") from None
        except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date that is none
            raise RulesError(f"{self.name}: not YAML: {_one_line(error)}") from None
        top = self.mapping((), loaded, ("routes", "funnels", "identity", "clients"))
        routes = tuple(self.routes(top.get("routes")))
        funnels = tuple(self.funnels(top.get("funnels"), {route.event for route in routes if route.event}))
        identity = self.mapping(
            ("identity",), top.get("identity") or {}, ("query_parameter", "cookie", "json_field")
        )
        named = {key: self.text_at(("identity", key), value) for key, value in identity.items()}
        clients = tuple(
            self.text_at(("clients", at), client)
            for at, client in self.items(("clients",), top.get("clients"))
        )
        return Rules(
            digest=hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest(),
            name=self.name,
            text=self.text,
            routes=routes,
            funnels=funnels,
            clients=clients,
            **named,
        )

    def routes(self, listed: Any) -> Iterator[Route]:
        known: dict[tuple[str, str, tuple[tuple[int, int], ...]], int] = {}
        keys = ("method", "path", "status", "event", "caller", "activity", "attributes")
        for at, entry in self.items(("routes",), listed):
            where = ("routes", at)
            given = self.mapping(where, entry, keys)
            if "path" not in given:
                self.fail(where, "the key path", entry)
            segments, parts, has_rest = self.template((*where, "path"), given["path"])
            named = [part for part in parts if part]
            attributes = tuple(
                self.choice((*where, "attributes", number), part, named)
                for number, part in self.items((*where, "attributes"), given.get("attributes"))
            )
            event = given.get("event")
            if event is not None and not (isinstance(event, str) and _NAME.fullmatch(event)):
                self.fail((*where, "event"), "a name such as match_start (letters, digits, _ . : -)", event)
            route = Route(
                methods=self.methods((*where, "method"), given.get("method")),
                path=given["path"],
                segments=segments,
                parts=parts,
                has_rest=has_rest,
                status=self.status((*where, "status"), given["status"]) if "status" in given else _BELOW_400,
                event=event,
                caller=self.caller((*where, "caller"), given.get("caller", False), parts),
                is_activity=self.flag((*where, "activity"), given.get("activity", True)),
                attributes=attributes,
            )
            for method in route.methods or ("",):
                same = known.setdefault((method, route.path, route.status), at)
                if same != at:
                    self.fail(where, "one rule for each method, path and status", f"rule {same + 1} again")
            yield route

    def methods(self, where: tuple[Any, ...], given: Any) -> tuple[str, ...]:
        if given is None:
            return ()
        listed = given.split(",") if isinstance(given, str) else given
        if not isinstance(listed, list) or not all(isinstance(method, str) for method in listed):
            self.fail(where, "a method such as GET, or several", given)
        methods = tuple(method.strip().upper() for method in listed)
        if not methods or not all(_METHOD.fullmatch(method) for method in methods):
            self.fail(where, "a method such as GET, or several", given)
        return methods

    def template(
        self, where: tuple[Any, ...], given: Any
    ) -> tuple[tuple[str, ...], tuple[str | None, ...], bool]:
        wanted = "a path such as /v1/players/{player_id}/state"
        if not isinstance(given, str) or not given.startswith("/") or not given.isprintable() or "?" in given:
            self.fail(where, wanted, given)
        segments: list[str] = []
        parts: list[str | None] = []
        has_rest = False
        for text in filter(None, given.split("/")):
            part = _PART.fullmatch(text)
            if has_rest:
                self.fail(where, "nothing after a part that takes the rest", given)
            if part is None and ("{" in text or "}" in text):
                self.fail(where, "a part {like_this} that is a whole segment", text)
            if part is not None and part[1] in parts:
                self.fail(where, "parts with names of their own", text)
            segments.append(ANY if part else text)
            parts.append(part[1] if part else None)
            has_rest = bool(part and part[2])
        return tuple(segments), tuple(parts), has_rest

    def status(self, where: tuple[Any, ...], given: Any) -> tuple[tuple[int, int], ...]:
        conditions = given if isinstance(given, list) else [given]
        ranges = []
        for condition in conditions:
            text = str(condition)
            if isinstance(condition, bool) or not re.fullmatch(r"[1-5]xx|<?[1-9]\d\d", text):
                self.fail(where, "a status such as 201, 2xx or <400", condition)
            if text.startswith("<"):
                low, high = 0, int(text[1:])
            elif text.endswith("xx"):
                low = int(text[0]) * 100
                high = low + 100
            else:
                low, high = int(text), int(text) + 1
            if high - 1 not in _STATUSES:
                self.fail(where, "a status from 100 to 599", condition)
            ranges.append((low, high))
        if not ranges:
            self.fail(where, "a status such as 201, 2xx or <400", given)
        return tuple(ranges)

    def caller(self, where: tuple[Any, ...], given: Any, parts: tuple[str | None, ...]) -> int | None:
        named = [part for part in parts if part]
        if given is False:
            return None
        if given is True:
            if len(named) != 1 and "player_id" not in named:
                self.fail(where, "one named part in the path, or the name of one of them", given)
            given = "player_id" if "player_id" in named else named[0]
        return parts.index(self.choice(where, given, named))

    def funnels(self, listed: Any, events: set[str]) -> Iterator[Funnel]:
        names: set[str] = set()
        for at, entry in self.items(("funnels",), listed):
            where = ("funnels", at)
            given = self.mapping(where, entry, ("name", "cohort", "window_days", "steps"))
            name = self.text_at((*where, "name"), given.get("name"))
            if name in names:
                self.fail((*where, "name"), "a name that no other funnel has", name)
            names.add(name)
            cohort = self.choice((*where, "cohort"), given.get("cohort", "date"), ["date", "all"])
            days = given.get("window_days", DEFAULT_WINDOW_DAYS)
            if days is not None and (
                isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 3650
            ):
                self.fail((*where, "window_days"), "whole days from 1 to 3650, or null", days)
            steps = tuple(
                self.text_at((*where, "steps", number), step)
                for number, step in self.items((*where, "steps"), given.get("steps"))
            )
            if not steps:
                self.fail((*where, "steps"), "events, first to last", given.get("steps"))
            for number, step in enumerate(steps):
                if events and step not in events:
                    self.fail((*where, "steps", number), "an event that a route names", step)
            yield Funnel(name, cohort, None if days is None else days * DAY_US, steps)

    def mapping(self, where: tuple[Any, ...], given: Any, keys: Sequence[str]) -> dict[str, Any]:
        wanted = "only the keys " + ", ".join(keys)
        if not isinstance(given, dict):
            self.fail(where, wanted, given)
        for key in given:
            if key not in keys:
                self.fail((*where, key), wanted, key)
        node = self.node(where)
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key_node, _ in node.value:
                if key_node.value in seen:
                    self.fail((*where, key_node.value), "each key once", key_node.value)
                seen.add(key_node.value)
        return given

    def items(self, where: tuple[Any, ...], given: Any) -> Iterator[tuple[int, Any]]:
        if given is not None and not isinstance(given, list):
            self.fail(where, "a list", given)
        return enumerate(given or ())

    def text_at(self, where: tuple[Any, ...], given: Any) -> str:
        if not isinstance(given, str) or not given.strip() or not given.isprintable() or len(given) > 200:
            self.fail(where, "a short text", given)
        return str(given)

    def choice(self, where: tuple[Any, ...], given: Any, wanted: Sequence[str]) -> str:
        if given not in wanted:
            self.fail(
                where,
                "one of " + (", ".join(wanted) or "the path's named parts, of which it has none"),
                given,
            )
        return str(given)

    def flag(self, where: tuple[Any, ...], given: Any) -> bool:
        if not isinstance(given, bool):
            self.fail(where, "true or false", given)
        return bool(given)

    def fail(self, where: tuple[Any, ...], wanted: str, found: Any) -> NoReturn:
        node = self.node(where)
        line = f", line {node.start_mark.line + 1}" if node is not None else ""
        place = ".".join(str(step + 1 if isinstance(step, int) else step) for step in where)
        raise RulesError(
            f"{self.name}{line}: {_one_line(place) + ': ' if place else ''}wanted {_one_line(wanted)}, "
            f"found {_one_line(reprlib.repr(found))}"
        )

    def node(self, where: tuple[Any, ...]) -> yaml.Node | None:
        """Find the place in the file, or the nearest above it."""
        node = self.tree
        for step in where:
            below: yaml.Node | None = None
            if isinstance(node, yaml.MappingNode):
                below = next((value for key, value in reversed(node.value) if key.value == step), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                below = node.value[step]
            if below is None:
                return node
            node = below
        return node


def _one_line(text: object) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())[:300]


def builtin_text(name: str) -> str:
    """Give the text of the rules that ship with the package. Raises RulesError for another name."""
    folder = files("jobs.access_logs").joinpath("rules")
    names = sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir())
    if name not in names:
        raise RulesError(f"wanted the name of built-in rules ({', '.join(names)}), found {_one_line(name)}")
    return folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
