"""Progress of a command: a line for each tenth where it is read later, none where it is done at once."""

import io

from records.progress import ShownProgress


class Lines:
    """An output that is no terminal, as a log is."""

    def __init__(self, *, terminal: bool = False) -> None:
        self.lines: list[str] = []
        self.terminal = terminal

    def write(self, text: str) -> None:
        self.lines.append(text)

    def isatty(self) -> bool:
        return self.terminal


def test_each_tenth_is_one_line_with_the_name_of_the_stage():
    output = Lines()
    with ShownProgress(names={"rows": "Rows read"}, output=output, silence=-1) as progress:
        for done in range(0, 2001, 50):
            progress("rows", done, 2000)
    assert len(output.lines) == 10
    assert (output.lines[0], output.lines[-1]) == ("Rows read: 200 of 2,000", "Rows read: 2,000 of 2,000")


def test_stages_are_counted_apart_and_an_unnamed_one_has_its_own_word():
    output = Lines()
    with ShownProgress(output=output, silence=-1) as progress:
        progress("read", 10, 10)
        progress("write", 10, 10)
        progress("write", 10, 10)
    assert output.lines == ["read: 10 of 10", "write: 10 of 10"]


def test_a_stage_of_nothing_is_done():
    output = Lines()
    ShownProgress(output=output, silence=-1)("rows", 0, 0)
    assert output.lines == ["rows: 0 of 0"]


def test_a_command_that_ends_soon_shows_nothing():
    output = Lines()
    with ShownProgress(output=output, silence=60) as progress:
        progress("rows", 10, 10)
    assert output.lines == []


def test_it_writes_to_standard_error_so_that_results_can_be_piped(capsys):
    with ShownProgress(silence=-1) as progress:
        progress("rows", 1, 1)
    shown = capsys.readouterr()
    assert (shown.out, shown.err.strip()) == ("", "rows: 1 of 1")


def test_on_a_terminal_bars_make_way_for_what_else_is_written(monkeypatch):
    written = io.StringIO()
    output = Lines(terminal=True)
    with ShownProgress(output=output) as progress:
        progress._console.file = written
        progress("rows", 1, 2)
        with progress.paused():
            assert not progress._bars.live.is_started
        progress("rows", 2, 2)
        assert progress._bars.tasks[0].completed == 2
    assert output.lines == []
