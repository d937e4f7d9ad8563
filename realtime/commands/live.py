"""`realtime live`: its options are those of `realtime.settings`, and what no file may hold."""

from __future__ import annotations

from typing import Any

import click

from realtime.commands.common import TELLING, Decorator, Size, run_job, stack_options
from realtime.errors import SettingsError
from realtime.settings import OPTIONS, Option

# Given together, as --size.
_SIZES = ("width", "height")

# Of what belongs to the moment, what one may want to begin with.
_MOMENTARY = ("panic", "overlay")

# Options that take several values are given several times, so their names are singular.
_FLAGS = {"outputs": "--output", "backgrounds": "--next-background"}


def _check(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """The value in its option's type; None where it was not given."""
    if value is None or value == ():
        return None
    try:
        return OPTIONS[str(parameter.name)].check(value)
    except SettingsError as error:
        raise click.BadParameter(str(error), context, parameter) from None


def _decorator(option: Option) -> Decorator:
    """The command line's option for one of the settings."""
    flag = _FLAGS.get(option.name, "--" + option.name.replace("_", "-"))
    common: dict[str, Any] = {"default": None, "callback": _check, "help": _help(option)}
    if isinstance(option.default, bool):
        both = flag if option.momentary else f"{flag}/--no-{flag[2:]}"
        return click.option(both, option.name, is_flag=True, **common)
    if option.choices:
        return click.option(flag, option.name, type=click.Choice(option.choices), **common)
    if isinstance(option.default, tuple):
        return click.option(flag, option.name, multiple=True, metavar=option.metavar, **common)
    if isinstance(option.default, int | float):
        number = click.INT if isinstance(option.default, int) else click.FLOAT
        return click.option(flag, option.name, type=number, metavar="NUMBER", **common)
    return click.option(flag, option.name, metavar=option.metavar, **common)


def _help(option: Option) -> str:
    default = option.default
    if isinstance(default, tuple):
        several = "may be given several times"
        return (
            f"{option.help}  [{several}]"
            if not default
            else (f"{option.help}  [{several}; default: {', '.join(default)}]")
        )
    if isinstance(default, bool):
        return option.help if option.momentary else f"{option.help}  [default: {_yes(default)}]"
    return option.help if default == "" else f"{option.help}  [default: {default}]"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _options() -> list[Decorator]:
    listed: list[Decorator] = []
    for option in OPTIONS.values():
        if option.name == "width":
            default = f"{option.default}x{OPTIONS['height'].default}"
            help_ = f"Width and height of the pictures, both even.  [default: {default}]"
            listed.append(click.option("--size", type=Size(), help=help_))
        elif option.name not in _SIZES and (not option.momentary or option.name in _MOMENTARY):
            listed.append(_decorator(option))
    return listed


@click.command(
    epilog="""\b
Examples:
  realtime live --output virtual --output window --background office.jpg
  realtime live --output null --seconds 10 --camera demo      how fast is it here?
  realtime live --output take.mkv --size 1920x1080 --fps 25
  realtime live --config live.toml --control-port 0           see 'realtime config'
"""
)
@stack_options(_options())
@click.option("--config", metavar="FILE.toml", help="Options; saved changes apply at once.")
@click.option(
    "--control-token",
    envvar="REALTIME_CONTROL_TOKEN",
    show_envvar=True,
    metavar="TEXT",
    help="What programs that control it must know; random where it is not given.",
)
@stack_options(TELLING)
def live(size: tuple[int, int] | None, **arguments: Any) -> None:
    """Replace the background of a camera's pictures as they come."""
    from realtime.live import run_live

    options = {name: value for name in OPTIONS if (value := arguments.pop(name, None)) is not None}
    if size is not None:
        options["width"], options["height"] = size
    run_job(run_live, options=options, **arguments)
