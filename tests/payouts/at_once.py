"""Real parallelism: threads that start together, each with a connection and commits of its own."""

import threading
from collections.abc import Callable

from django.db import connection


def at_once(*functions: Callable[[], object]) -> list[object]:
    """Run the functions at the same time; give what each returned, or the exception that it raised."""
    start = threading.Barrier(len(functions))
    results: list[object] = [None] * len(functions)

    def run(index: int) -> None:
        try:
            start.wait(timeout=30)
            results[index] = functions[index]()
        except Exception as error:  # the caller judges what came of it
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[index]) for index in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
