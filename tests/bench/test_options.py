import pytest

from bench import options


def test_all_benchmarks_run_by_default_and_in_their_order():
    assert options.read([]).names == options.NAMES
    assert options.read(["booking", "clicks"]).names == ("clicks", "booking")


def test_quick_is_short_and_can_be_lengthened():
    quick = options.read(["--quick"])
    assert (quick.rounds, quick.rows, quick.stored, quick.conversions, quick.affiliates) == (1, 5_000, 2_000, 300, 60)
    assert options.read(["--quick", "--rows", "0", "--rounds", "2"]).rounds == 2


def test_full_books_a_million():
    assert options.read(["--full"]).conversions == 1_000_000
    assert options.read(["--full", "--conversions", "5000"]).conversions == 5_000


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nosuch"], "unknown benchmark nosuch; there are: clicks, postbacks, booking, events, closing"),
        (["--rows", "-1"], "--rows must not be negative"),
        (["--stored", "-1"], "--stored must not be negative"),
        (["--seconds", "0"], "--seconds must be above 0"),
        (["--connections", "x"], "invalid int value"),
    ],
)
def test_a_wrong_command_line_is_explained(arguments, text, capsys):
    with pytest.raises(SystemExit) as stop:
        options.read(arguments)
    assert stop.value.code == 2
    assert text in capsys.readouterr().err


def test_help_says_what_decides_the_exit_code(capsys):
    with pytest.raises(SystemExit):
        options.read(["--help"])
    output = " ".join(capsys.readouterr().out.split())
    assert "every benchmark ran and its correctness checks hold" in output
    assert "--rows" in output
