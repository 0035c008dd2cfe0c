"""Uploaded files of rows: read as spreadsheets write them, or refused whole with what to change."""

import codecs

import pytest

from records import csv_bounds, csv_files
from records.csv_files import CsvRow, FileRefused, read_table

ROWS = [CsvRow(2, {"txid": "A-1", "amount": "1,50"}), CsvRow(3, {"txid": "B-2"})]


def rows_of(content: bytes) -> list[CsvRow]:
    return list(read_table(content).rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_is_read_in_each_encoding_and_with_each_end_of_line(encoding, end):
    text = end.join(["TxID ;Amount", " A-1 ;1,50", "Bü;", ""])
    assert rows_of(text.encode(encoding)) == [ROWS[0], CsvRow(3, {"txid": "Bü"})]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_the_one_that_the_first_line_has_most_often(delimiter):
    lines = [delimiter.join(line) for line in (["a", "b", "c"], ["1", '"2,;\t2"', "3"])]
    assert rows_of("\n".join(lines).encode()) == [CsvRow(2, {"a": "1", "b": "2,;\t2", "c": "3"})]


def test_empty_lines_and_values_are_left_out_and_lines_are_counted_as_in_the_file():
    assert rows_of(b'a,b\n\n,,\n"x\ny",\n,z\n') == [CsvRow(5, {"a": "x\ny"}), CsvRow(6, {"b": "z"})]


def test_a_short_row_lacks_its_last_values_and_an_unnamed_column_is_not_read():
    assert rows_of(b"a,,c\n1\n1,2,3\n") == [CsvRow(2, {"a": "1"}), CsvRow(3, {"a": "1", "c": "3"})]


def test_a_row_with_a_value_too_many_is_refused_by_its_line():
    with pytest.raises(FileRefused, match=r"Line 3 has 3 values for 2 columns\."):
        rows_of(b"a,b\n1,2\n1,2,3\n")


def test_rows_before_a_bad_line_are_handed_on_first():
    """The caller decides in one transaction, so what it did for them is undone."""
    rows = read_table(b'a,b\n1,2\n"1"x,2\n').rows
    assert next(rows) == CsvRow(2, {"a": "1", "b": "2"})
    with pytest.raises(FileRefused, match="Line 3 is not CSV"):
        next(rows)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must name the columns"),
        (b"\n", "must name the columns"),
        (b" , \n1,2\n", "must name the columns"),
        (b"PK\x03\x04rest", "Save it as CSV"),
        (b"\xd0\xcf\x11\xe0rest", "Save it as CSV"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8\x81", "no known encoding|must name|named twice|columns"),
        (b"a,A \n1,2\n", "column a is named twice"),
        (b'a,"b\n', "Line 1 is not CSV"),
        (b"a," + b"x" * 201 + b"\n", "a name of 201 characters"),
        (b",".join([b"c"] * 201) + b"\n", "201 columns; at most 200"),
        (b"\x81,b\n", "no known encoding"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_what_to_change(content, words):
    with pytest.raises(FileRefused, match=words):
        rows_of(content)


def test_a_file_larger_than_the_bound_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(csv_files, "LARGEST", 1024 * 1024)
    assert rows_of(b"a\n1\n" + b"\n" * (1024 * 1024 - 4)) == [CsvRow(2, {"a": "1"})]
    with pytest.raises(FileRefused, match=r"more than 1 MB\. Split it\."):
        read_table(b"\xff" * (1024 * 1024 + 1))


def test_a_value_is_cut_to_its_bound_and_a_line_beyond_its_own_is_refused(monkeypatch):
    monkeypatch.setattr(csv_files, "LONGEST_VALUE", 3)
    assert rows_of(b"a\nabcdef\n") == [CsvRow(2, {"a": "abc"})]
    monkeypatch.setattr(csv_bounds, "LONGEST_LINE", 10)
    with pytest.raises(FileRefused, match="it has 12 characters; 10 are read at most"):
        rows_of(b"a\n01234567890\n")


def test_a_nul_character_which_the_database_cannot_store_is_replaced():
    assert rows_of(b"a\nx\x00y\n") == [CsvRow(2, {"a": "x\N{REPLACEMENT CHARACTER}y"})]
