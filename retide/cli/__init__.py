"""The `retide` command: everything that a person does with Retide, on the local cloud and on AWS alike."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import typer

from retide.cli import failures
from retide.cli.output import err
from retide.cli.places import Places


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status: 0, 1 (failed), 2 (called wrongly) or 130 (interrupted)."""
    _speak_safely()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    sys.exit(_status(arguments))


def _status(arguments: Sequence[str] | None) -> int:
    words = sys.argv[1:] if arguments is None else arguments
    try:
        from retide.cli.app import app  # late: it takes a while, and whoever interrupts it must see a line

        ended = typer.main.get_command(app(words)).main(words, prog_name="retide", standalone_mode=False)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read us has enough
        return failures.FAILED
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except typer.TyperException as error:
        return _usage(error)
    except Exception as error:  # noqa: BLE001 - the last place that can turn it into a line for a person
        return _interrupted() if failures.is_interrupt(error) else _failed(error)
    return _interrupted() if ended == failures.INTERRUPTED else int(ended or 0)


def _failed(error: Exception) -> int:
    _say(failures.reason(error) or failures.unexpected(error, Places.here().logs))
    return error.code if isinstance(error, failures.CliError) else failures.FAILED


def _usage(error: typer.TyperException) -> int:
    said = getattr(error, "format_message", error.__str__)()
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "retide"
    _say(f"{' '.join(said.split()).rstrip('.')} (see `{command} --help`)")
    return failures.USAGE


def _interrupted() -> int:
    _say("interrupted")
    return failures.INTERRUPTED


def _say(line: str) -> None:
    console = err()
    console.print("error: ", style="bold red", end="")
    console.print(line, markup=False)


def _speak_safely() -> None:
    """A terminal without UTF-8 shows a question mark, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
