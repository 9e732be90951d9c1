"""A group whose commands are imported when they are run, after "Lazily Loading Subcommands" in click's manual.

Names and summaries are in a table. So ``--help`` and the completion of names import no command. The module of a
command has its options, and a :class:`Later` for its work: the help of a command imports no search either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from codesearch.cli.interrupts import ending_at_once
from codesearch.cli.program import Program

__all__ = ["Entry", "Later", "LazyProgram"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is known and not imported.

    Attributes:
        module: That holds it.
        attribute: Name of a function there, or of a Typer that holds further commands.
        summary: The first line of its help.
    """

    module: str
    attribute: str
    summary: str

    def load(self, name: str) -> Any:
        """Import the command; return it under a name."""
        target = getattr(import_module(self.module), self.attribute)
        if isinstance(target, typer.Typer):
            return typer.main.get_group(target)
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(name)(target)
        return typer.main.get_command(single)


@dataclass(frozen=True, slots=True)
class Later:
    """A function that is imported when it is called.

    Attributes:
        module: That holds it.
        attribute: Its name there.
    """

    module: str
    attribute: str

    def __call__(self, *values: Any, **named: Any) -> Any:
        """Import the function, and call it."""
        with ending_at_once("codesearch"):
            function = getattr(import_module(self.module), self.attribute)
        return function(*values, **named)


class _LoadedCommands(MutableMapping[str, Any]):
    """Commands by name, each imported when it is looked up; the names are known before."""

    def __init__(self, listings: Mapping[str, Entry]) -> None:
        self._listings = dict(listings)
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            with ending_at_once("codesearch"):
                self._loaded[name] = self._listings[name].load(name)
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._listings[name]
        self._loaded.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter({**self._listings, **self._loaded})

    def __len__(self) -> int:
        return len({**self._listings, **self._loaded})


class LazyProgram(Program):
    """A program whose commands are imported when they are run, or asked for their own help.

    Attributes:
        listings: The commands by name, in the order in which the help lists them.
    """

    listings: ClassVar[Mapping[str, Entry]] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _LoadedCommands(self.listings)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is Typer's
        """Return the names; none of the commands is imported for that."""
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the names and summaries from the table."""
        self._table().format_commands(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Complete a name of a command from the table, or an option of the program."""
        table = self._table()
        return table.shell_complete(type(ctx)(table, info_name=ctx.info_name), incomplete)

    def _table(self) -> TyperGroup:
        """Return a group that can be listed only: its commands have a name and a summary."""
        commands: Any = {name: TyperCommand(name, help=listing.summary) for name, listing in self.listings.items()}
        return TyperGroup(name=self.name, commands=commands, params=self.params, rich_markup_mode=None)
