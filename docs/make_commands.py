"""Writes the command reference, docs/commands.md, from the commands themselves: ``python3 docs/make_commands.py``"""

from collections.abc import Iterator
from pathlib import Path

import click

from charrnn.cli import cli

HEAD = """\
# Commands

Made from the code by `python3 docs/make_commands.py`; `charrnn COMMAND --help` says the same.

Results and generated text go to stdout, everything else to stderr. Exit codes are 0 for success; 1 when something went
wrong; 2 for wrong usage or settings; 130 after Ctrl-C, 143 after SIGTERM. `charrnn train --print-config` lists every
setting with its meaning.

## Completion in the shell
The Tab key completes commands, options, recipes and files once the line for your shell has been run. To have it in
every shell, add the line to `~/.bashrc` or `~/.zshrc`; for fish, write what the command before the `|` prints to
`~/.config/fish/completions/charrnn.fish`.
```sh
eval "$(_CHARRNN_COMPLETE=bash_source charrnn)"     # bash, 4.4 or later
eval "$(_CHARRNN_COMPLETE=zsh_source charrnn)"      # zsh
_CHARRNN_COMPLETE=fish_source charrnn | source      # fish
```
"""


def commands(context: click.Context) -> Iterator[click.Context]:
    """The contexts of all commands of a group, in the order of its help; a group comes before its own commands."""
    assert isinstance(context.command, click.Group)
    for name in context.command.list_commands(context):
        command = context.command.get_command(context, name)
        assert command
        below = click.Context(command, context, info_name=name)
        yield below
        if isinstance(command, click.Group):
            yield from commands(below)


def reference() -> str:
    """The whole reference."""
    return HEAD + "".join(map(_section, commands(click.Context(cli, info_name="charrnn", **cli.context_settings))))


def _section(context: click.Context) -> str:
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    paragraphs = (command.help or "").split("\n\n")
    described = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    options = (parameter for parameter in command.params if isinstance(parameter, click.Option))
    records = (option.get_help_record(context) for option in options)
    rows = "".join(f"- `{record[0]}`: {' '.join(record[1].split())}\n" for record in records if record)
    heading = "#" * (context.command_path.count(" ") + 1)
    section = f"\n{heading} {context.command_path}\n```text\n{usage}\n```\n{described}\n\n{rows}".rstrip("\n")
    return section.replace("<", "\\<") + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("commands.md").write_text(reference(), "utf-8")
