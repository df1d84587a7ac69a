"""The few questions about a new stack. The program's own settings check each answer; a wrong one is asked for again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console
from rich.prompt import Prompt

from settings import Settings, SettingsError, ranges
from tools.new_stack.address import offered
from tools.new_stack.content import AGENTS, OPERATORS, REGION, SIZE, Answers, NewStack
from tools.stack_file import StackFile

EXAMPLE = "203.0.113.7/32"
KEYS = {"region": REGION, "size": SIZE, "operators": OPERATORS, "agents": AGENTS}
RANGES = ("operators", "agents")


class RefusedError(Exception):
    """Nothing was written; the message says why."""


@dataclass(frozen=True)
class Given:
    """The command line's values, empty if not given. asks: whether to ask for the rest."""

    region: str
    allow: str
    agents: str
    size: str
    asks: bool


class Interview:
    """Asks for what was not given. known: the answers so far, with valid stand-ins for those to come."""

    def __init__(self, given: Given, making: Callable[[Answers], NewStack], like: StackFile, console: Console) -> None:
        self._given, self._making, self._like, self._console = given, making, like, console
        self.known = Answers(
            region=str(like.config.get(REGION, "eu-central-1")),
            operators=(EXAMPLE,),
            agents=() if "influxdb" in like.given else (EXAMPLE,),
            size=str(like.config.get(SIZE, Settings.model_fields["instance_type"].default)),
        )

    def answers(self) -> Answers:
        """All answers. Raises RefusedError if a given one is missing or cannot be used."""
        given = self._given
        self._ask("region", "AWS region", given.region, self.known.region)
        self._ask("size", "EC2 instance type", given.size, self.known.size)
        if not given.allow and not given.asks:
            raise RefusedError(
                f"Set ALLOW to the IPv4 ranges that may connect, such as ALLOW={EXAMPLE}; separate several by commas."
            )
        # A private address cannot be reached from a public one.
        private = str(self._like.given.get("publicAddress")).lower() == "false"
        own = () if given.allow or private else offered(os.environ)
        self._ask("operators", "IPv4 ranges that may open Grafana and run `pulumi up`", given.allow, ",".join(own))
        if self.known.agents:
            same = ",".join(self.known.operators)
            self._ask("agents", "IPv4 ranges that agents send data from", given.agents, same)
        elif given.agents:
            raise RefusedError(
                f"AGENTS has no effect: agents of a stack like {self._like.name} send to its own influxdb."
            )
        return self.known

    def _ask(self, field: str, question: str, said: str, default: str) -> None:
        """Get one answer: the given one or, if none may be asked, the default; otherwise ask until it is valid."""
        if said or not self._given.asks:
            if wrong := self._take(field, said or default):
                raise RefusedError(wrong)
            return
        while wrong := self._take(field, self._typed(question, default)):
            self._console.print(f"  {wrong}", style="red", markup=False)

    def _typed(self, question: str, default: str) -> str:
        if default:
            return Prompt.ask(question, default=default, console=self._console)
        return Prompt.ask(question, console=self._console)

    def _take(self, field: str, text: str) -> str:
        """Remember a valid answer. Returns what is wrong with it, or nothing."""
        values: Any = _ranges(text) if field in RANGES else text.strip()
        if not values:
            return f"Enter at least one IPv4 range, such as {EXAMPLE}; separate several by commas."
        known = replace(self.known, **{field: values})
        try:
            settings, _ = self._making(known).file.settings()
        except SettingsError as error:
            # Mistakes elsewhere in the other stack's settings are reported before the file is written.
            mistakes = [str(each) for each in error.mistakes if each.key.startswith(KEYS[field])]
            if mistakes:
                return "\n  ".join(mistakes)
        else:
            asked = {"operators": settings.operator_cidrs, "agents": settings.agent_cidrs}.get(field, ())
            if (many := ranges.count(asked)) > ranges.MANY:
                return (
                    f"{text} would admit {many:,} addresses; enter the ranges you connect from. If you really want "
                    f"this, set {KEYS[field]} in the file yourself."
                )
        self.known = known
        return ""


def _ranges(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())
