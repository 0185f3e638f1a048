"""``pyengine monitor``: the distance of a corpus from ordinary text, over time."""

from dataclasses import asdict
from pathlib import Path

import click

from pyengine.cli.app import EXIT_FAILED
from pyengine.cli.console import integer, print_json, print_line, print_table
from pyengine.cli.options import json_option, path_type

__all__ = ["command"]

history_argument = click.argument("history", type=path_type)


@click.group("monitor")
def command() -> None:
    """Record the distance of a corpus from ordinary text, show it over time, alert when it grows.

    Every subcommand takes --json.
    """


@command.command("record")
@click.argument("index", type=path_type)
@click.option("--history", type=path_type, required=True, metavar="FILE", help="Parquet file to append to.")
@click.option(
    "--reference",
    type=path_type,
    metavar="FILE",
    help="Ordinary text of your own, as `pyengine reference build` makes it.",
)
@click.option("--prometheus", type=path_type, metavar="FILE", help="Write the run for a node exporter too.")
@json_option
def record(
    *, index: Path, history: Path, reference: Path | None, prometheus: Path | None, as_json: bool
) -> None:
    """Measure INDEX and append the run to a history."""
    from pyengine.diagnose import Reference  # noqa: PLC0415 - loaded late: --help does without
    from pyengine.diagnose.monitor import History, measure  # noqa: PLC0415 - as above
    from pyengine.engine import Engine  # noqa: PLC0415 - as above

    runs = History.open(history, missing_ok=True)
    with Engine.open(index) as engine:
        table = None if reference is None else Reference.load(reference)
        reading = measure(engine, table, sample=runs.sample)
    runs.append(reading)
    if prometheus is not None:
        runs.to_prometheus(prometheus)
    if as_json:
        print_json(asdict(reading))
    else:
        print_line(
            f"{history}: run {integer(len(runs.readings))}, excess KL {reading.excess:.3f} nats "
            f"({reading.low:.3f} to {reading.high:.3f}) over {integer(reading.words)} words"
        )


@command.command("show")
@history_argument
@click.option("--plot", type=path_type, metavar="FILE", help="Draw it into an .svg, .png or .pdf file.")
@json_option
def show(*, history: Path, plot: Path | None, as_json: bool) -> None:
    """Print the runs of HISTORY."""
    from pyengine.diagnose.monitor import History  # noqa: PLC0415 - loaded late: --help does without

    runs = History.open(history)
    if plot is not None:
        runs.plot(plot)
    if as_json:
        print_json({"runs": [asdict(reading) for reading in runs.readings]})
        return
    print_table(
        ("time", "documents", "excess KL", "interval", "unknown", "literals"),
        [
            (
                reading.time,
                integer(reading.documents),
                f"{reading.excess:.3f}",
                f"{reading.low:.3f} to {reading.high:.3f}",
                f"{reading.unknown_share:.1%}",
                f"{reading.literal_share:.1%}",
            )
            for reading in runs.readings
        ],
        right=(1, 2, 4, 5),
    )


@command.command("check")
@history_argument
@click.option("--above", type=float, metavar="NATS", help="Alert if the last run's excess KL is above this.")
@click.option(
    "--alpha", type=float, default=0.01, show_default=True, help="False alarms a check for a trend."
)
@json_option
@click.pass_context
def check(ctx: click.Context, *, history: Path, above: float | None, alpha: float, as_json: bool) -> None:
    """Exit with 1 if HISTORY shows a rising trend, or its last run is above a limit."""
    from pyengine.diagnose.monitor import History  # noqa: PLC0415 - loaded late: --help does without

    alert = History.open(history).check(above=above, alpha=alpha)
    if as_json:
        print_json(asdict(alert))
    else:
        print_line(f"{'ALERT: ' if alert.fires else ''}{alert.reason}")
    if alert.fires:
        ctx.exit(EXIT_FAILED)
