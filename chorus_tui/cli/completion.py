"""``chorus-tui completion``: what a shell needs to complete our commands, options and choices."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    Save it where the shell looks: for bash ~/.local/share/bash-completion/completions/chorus-tui, for fish
    ~/.config/fish/completions/chorus-tui.fish, for zsh a file _chorus-tui in a folder of $fpath.
    """
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is None:
        raise click.ClickException(f"this version of click knows no completion for {shell}")
    click.echo(made(context.find_root().command, {}, "chorus-tui", "_CHORUS_TUI_COMPLETE").source())
